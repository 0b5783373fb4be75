# The frame around every page, logging in, people and their rights

lanes-title = Counters
frame-skip = Skip to the content
frame-places = Pages

role-administrator = administrator
role-operator = operator
role-auditor = auditor
role-viewer = viewer

login-title = Log in
login-name = Name
login-password = Password
login-code = Code (6 digits)
login-code-hint = The six digits that your authenticator shows now.
login-button = Log in
login-wrong = Name, password or code is wrong. A code works once: wait for the next one.
login-nobody = Nobody administers this box yet.
login-invited = If you are new, or your access was reset, begin with the one-time code that you were given.
login-lost = If you lost your password or authenticator, ask an administrator to reset them.
logout-button = Log out

first-title = Begin with a one-time code
first-nobody = Nobody administers this box yet. Type the one-time code that the box showed on its console when it started.
first-invited = Type the one-time code that an administrator gave you.
first-code = One-time code
first-code-hint = 16 letters and digits. Hyphens and capitals don't matter.
first-button = Continue
first-wrong = The one-time code is wrong or has expired.
first-name-hint = What you will type to log in: 1 to 40 characters.
first-not-the-same = The two passwords are not the same.
first-code-wrong = The code is wrong. Add the box to your authenticator first, then type the code that it shows.

account-title = Your account
account-new = Set up password and authenticator
account-password = New password
account-password-hint = At least 13 characters; a sentence that you can remember is best.
account-again = New password once more
account-factor = Authenticator
account-factor-hint = Scan this QR code with an authenticator app (TOTP) and type the six digits that it shows.
account-qr = QR code for the authenticator app
account-secret = If you can't scan it, type this into the authenticator:
account-code-hint = The six digits that the authenticator shows for this box.
account-button = Set up
account-sessions = Where you are logged in
account-sessions-count = Logged in as you: { $count }
account-end-others = Log out everywhere else
account-others-ended = Logged out everywhere else.
account-change-password = Change the password
account-current = Present password
account-lost-factor = To change the authenticator, ask an administrator to reset your access.

password-too-short = A password has at least 13 characters.
password-too-long = A password has at most 200 characters.
password-too-simple = A password is neither your name nor the same few characters over and over.
password-not-kept = The password can't be kept at the moment. Try again in a while.

people-bad-name = A name has 1 to 40 letters, digits and spaces.
people-name-taken = That name is taken.
people-unknown = There is no such person or token. The one-time code may have been used already.
people-last-administrator = This is the last administrator. Make another one first.
people-too-many = There are as many as there can be. Remove one that is not used.
people-bad-scopes = Choose at least one right that programs can have.

refused-title = Not possible
refused-forbidden = You may not do this. If you need to, ask an administrator.
refused-stranger = This was not sent from this page, so it was not accepted. Open the page anew and try again.
refused-too-many = Too many failures in a row. Wait a while before trying again.
refused-method = That can't be done here.
refused-too-large = What was sent is too large.
refused-not-found = There is no such page.
refused-broken = This can't be done at the moment. The counters are not affected. If it stays so, look into the box's log.
refused-too-slow = This took too long. Try again.
refused-strange-name = The box was asked for under a name that it is not known by. Use its address, or add the name to the configuration (web.names).
refused-back = To the first page

people-title = People and tokens
people-done = Changed.
people-code = One-time code for { $name }, to be used on the page “Begin with a one-time code” within 72 hours.
people-token = Token of the program “{ $name }”.
people-once = It is shown this once: when this page is closed, nobody can see it again.
people-you = (you)
people-enrolled = in use
people-invited = not set up yet (the one-time code was not used)
people-disabled = disabled
people-role = Role
people-role-hint = Administrator: configuration and people. Operator: acts at the counters. Auditor: reads records. Viewer: sees the counters.
people-role-of = Role of { $name }
people-set-role = Change the role
people-recover = Reset password, authenticator and security keys
people-recover-of = Reset password, authenticator and security keys of { $name }
people-disable = Disable
people-enable = Enable
people-add = Add a person
people-tokens = Tokens for programs
people-tokens-hint = With these, the hospital's own systems use the API. Nobody can log in with one.
people-token-name = What it is for
people-scopes = What it may do
people-add-token = Make a token
people-revoke = Revoke

right-watch = see counters, queue and line
right-serve = act at the counters
right-mend-queue = retry or give up what was set aside
right-read-counts = read counts and the monthly report
right-read-audit = read the audit log

logged-person-did = { $by }: { $act }
author-program = program “{ $name }”
author-console = the box's console
did-log-in = logged in
did-log-in-refused = somebody was refused to log in as them
did-log-out = logged out
did-change-password = changed the password
did-add = added { $name }
did-set-up = set up password and authenticator of { $name }
did-change-role = changed the role of { $name }
did-recover = reset password, authenticator and security keys of { $name }
did-disable = disabled { $name }
did-enable = enabled { $name }
did-make-token = made the token “{ $name }”
did-try = tried: { $device }
did-restart = restarted: { $part }
did-revoke-token = revoked the token “{ $name }”
