## Readiness of a lane: what is needed (-what), and how to get there (-action)

readiness-date-what = It is 19 September 2025 or later
readiness-date-action = Phones are accepted from 19 September 2025. If the date is wrong, check the box's clock.
readiness-setting-what = The setting "identification by smartphone" is "use"
readiness-setting-action = Set the site and the lane to "use". If you don't want phones, leave it as it is.
readiness-reader-what = The face-auth reader is connected
readiness-reader-action = Check the power and the network cable of the face-auth reader.
readiness-pair-what = The generic reader is compatible with the face-auth reader
readiness-pair-action = Check that the generic reader is a compatible model for this face-auth reader, and enter the pair in the table.
readiness-software-what = The face-auth reader's software is up to date
readiness-software-action = Update the face-auth reader's software by its maker's procedure.
readiness-attached-what = The generic reader is attached to the gateway
readiness-attached-action = Plug the generic reader's USB cable into the gateway, not into the face-auth reader. Use a USB extension cable where it is far.
readiness-procedure-what = Setup by the face-auth reader maker's procedure is recorded
readiness-procedure-action = Set it up by the procedure of the face-auth reader's maker (KB0012308), and record its version, the day and the person.
readiness-box-restarted-what = The gateway was restarted after setup
readiness-box-restarted-action = Restart the gateway (needed once on or after 19 September 2025).
readiness-reader-restarted-what = The face-auth reader was restarted after setup
readiness-reader-restarted-action = Restart the face-auth reader (needed once on or after 19 September 2025).
