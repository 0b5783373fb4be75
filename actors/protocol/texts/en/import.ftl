# The page that takes an export in.

import-title = Restore from an export
import-lead = Takes in what `madoguchi config export` made. Certificates, keys and lists are put only where this box lacks them. The configuration becomes the change in preparation, to be looked at and applied. People are not taken in.
import-file = The export's file
import-passphrase = The passphrase with which it was made
import-button = Take it in
import-sealed = The passphrase is another one, or the file was changed.
import-unreadable = This file can't be taken in. It may have 1000 KiB; the console takes in larger ones.
import-no-files = Certificates or keys could not be put in place. The configuration was not taken in.
import-left = These files are there already and say something else, so they were left as they are. The configuration is the change in preparation.
