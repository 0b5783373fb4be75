# Texts of screens, page and faults (English). Has the same keys as ja.ftl.

language-name = English

## Faults: what the patient reads (-patient), what staff read (-staff), what staff do (-action)

fault-wrong-medium-patient = What you held is not what you chose.
fault-wrong-medium-staff = The patient held another medium than the one chosen on the screen. No PIN was used.
fault-wrong-medium-action = Ask the patient to switch to what was held, or to hold what was chosen, as the screen offers.
fault-old-resident-card-patient = A Basic Resident Register card can't be used. Please use your My Number card if you have one.
fault-old-resident-card-staff = A Basic Resident Register card (Juki card) was used. It can't serve as a health insurance card.
fault-old-resident-card-action = Ask the patient for a My Number card or an eligibility certificate.
fault-not-jpki-patient = This card or phone can't be read as a health insurance card.
fault-not-jpki-staff = The medium holds no certificate for user authentication (a transit card, or a phone that was not set up).
fault-not-jpki-action = Check that it is a My Number card, or a phone on which the certificate was set up.
fault-wrong-pin-patient = The PIN is wrong.
fault-wrong-pin-staff = The PIN was wrong. The gateway never tries again by itself.
fault-wrong-pin-action = Ask the patient to check that it is the 4-digit PIN of the user-authentication certificate. Do not ask for the PIN itself.
fault-last-pin-try-patient = You have one try left. Another wrong PIN will lock it.
fault-last-pin-try-staff = One try of the PIN is left. It is never sent without the patient's yes.
fault-last-pin-try-action = If the patient is unsure, offer the camera, a photo check by staff, or the eligibility certificate.
fault-pin-locked-patient = The PIN is locked. This way can't be used.
fault-pin-locked-staff = The PIN is locked. It can't be unlocked at the counter.
fault-pin-locked-action = For a card offer the camera or a photo check, otherwise the eligibility certificate. The municipality unlocks cards; the Mynaportal app unlocks phones.
fault-pin-not-held-patient = Please enter your PIN once more.
fault-pin-not-held-staff = The PIN was wiped because it was not used in time (60 seconds at most).
fault-pin-not-held-action = Ask the patient to hold the medium right after entering the PIN.
fault-holder-not-authorised-patient = Please authenticate on your phone (Face ID or Touch ID) before holding it.
fault-holder-not-authorised-staff = The iPhone's holder has not authenticated with Face ID or Touch ID.
fault-holder-not-authorised-action = Ask the patient to authenticate with the side or home button, then to hold the phone. No PIN is needed.
fault-face-mismatch-patient = We could not recognise your face. Please try again or use your PIN.
fault-face-mismatch-staff = The camera did not recognise the card's holder.
fault-face-mismatch-action = Ask the patient to take off mask and hat and try again, or offer the PIN or a photo check.
fault-read-torn-patient = It was moved away while it was being read.
fault-read-torn-staff = The medium left before reading was complete.
fault-read-torn-action = Ask the patient to keep it still until the screen changes.
fault-medium-stuck-patient = Reading takes too long. Please take it away and try again.
fault-medium-stuck-staff = The medium does not answer.
fault-medium-stuck-action = Ask the patient to take it away and to hold it again, away from metal and without a thick case.
fault-no-medium-patient = Nothing was held over the reader.
fault-no-medium-staff = No medium was held over the reader in time.
fault-no-medium-action = Show the patient where to hold it (the sticker marks the place).
fault-unreadable-patient = It could not be read properly.
fault-unreadable-staff = The medium gave an answer that is not foreseen.
fault-unreadable-action = Try once more, then offer another way. If it happens with other patients too, phone the call centre.
fault-not-registered-patient = We could not find a registration for use as a health insurance card.
fault-not-registered-staff = The card or phone is not registered for insurance use. The equipment is in order.
fault-not-registered-action = Ask for an eligibility certificate. Tell the patient that registration is possible in Mynaportal.
fault-certificate-expired-patient = The electronic certificate has expired.
fault-certificate-expired-staff = The electronic certificate has expired. With an expired phone, logging in to Mynaportal is not possible either.
fault-certificate-expired-action = Offer the My Number card or the eligibility certificate. Do not offer the Mynaportal screen for an expired phone.
fault-certificate-revoked-patient = This electronic certificate can't be used.
fault-certificate-revoked-staff = The electronic certificate was revoked.
fault-certificate-revoked-action = Offer the eligibility certificate. Tell the patient that the municipality issues a new certificate.
fault-centre-refused-patient = Your eligibility could not be confirmed.
fault-centre-refused-staff = The online eligibility system refused the confirmation.
fault-centre-refused-action = Offer the eligibility certificate. If it keeps happening, phone the call centre.
fault-not-eligible-patient = Please speak to our staff about your insurance.
fault-not-eligible-staff = The confirmation succeeded, but the coverage is not valid.
fault-not-eligible-action = Ask whether the patient changed jobs or moved, and look at a newer eligibility certificate if there is one.
fault-interrupted-patient = Reception ended early. Please speak to our staff.
fault-interrupted-staff = The visit was interrupted because the gateway or a part of it stopped.
fault-interrupted-action = Speak to the patient, and start again once the equipment is back.
fault-nfc-reader-lost-patient = Phones can't be read here at the moment.
fault-nfc-reader-lost-staff = The generic card reader of this counter is not attached. The button for smartphones is hidden.
fault-nfc-reader-lost-action = Check that its USB cable is plugged into the gateway, and plug it in again. If it stays away for long, phone the call centre.
fault-pcsc-down-patient = Phones can't be read here at the moment.
fault-pcsc-down-staff = The card reader service (PC/SC) is down.
fault-pcsc-down-action = It comes back by itself. If it takes more than a minute, call the administrator.
fault-pcsc-hung-patient = Phones can't be read here at the moment.
fault-pcsc-hung-staff = The card reader service (PC/SC) does not answer.
fault-pcsc-hung-action = The administrator should restart pcscd. The card slot of the face-auth reader keeps working.
fault-face-reader-lost-patient = This machine can't be used at the moment. Please speak to our staff.
fault-face-reader-lost-staff = The connection to the face-auth reader is down.
fault-face-reader-lost-action = Check the reader's power and network cable and restart it. Use another counter meanwhile.
fault-actor-gave-up-patient = This machine can't be used at the moment. Please speak to our staff.
fault-actor-gave-up-staff = A part of the gateway keeps failing. It is tried again at longer intervals.
fault-actor-gave-up-action = See on the page which part it is, and call the administrator.
fault-line-down-patient = The line is down or busy at the moment. The confirmation will be made later.
fault-line-down-staff = The online eligibility system can't be reached. What was read is kept and confirmed when the line is back.
fault-line-down-action = Go on receiving patients. If it lasts, check the line's equipment and phone the call centre.
fault-queue-full-patient = This way can't be used at the moment. Please speak to our staff.
fault-queue-full-staff = The store of unconfirmed visits is full. No more can be accepted.
fault-queue-full-action = Use eligibility certificates and the other ways. Space comes free when the line is back. Call the administrator.
fault-queue-failed-patient = This way can't be used at the moment. Please speak to our staff.
fault-queue-failed-staff = The store of visits can't be written.
fault-queue-failed-action = Use eligibility certificates and the other ways, and call the administrator at once.
fault-confirmation-set-aside-patient = Our staff may contact you later about your confirmation.
fault-confirmation-set-aside-staff = At least one visit could not be confirmed and was set aside.
fault-confirmation-set-aside-action = Look at it on the page and confirm the patient's eligibility in another way.
fault-receipt-folder-unavailable-patient = Your reception is complete. Billing may take a little longer.
fault-receipt-folder-unavailable-staff = The receipt computer's shared folder can't be written. Results are kept and handed over as soon as it can.
fault-receipt-folder-unavailable-action = Check the receipt computer, its shared folders (FACE, RES) and their free space.
fault-characters-lost-patient = Our staff may check how your name is written.
fault-characters-lost-staff = Characters that the receipt computer's encoding lacks were written as ●. The gateway keeps the original.
fault-characters-lost-action = Look for ● in the result and correct the spelling in the receipt computer.
fault-audit-log-failed-patient = Reception works as usual.
fault-audit-log-failed-staff = The audit log can't be written, or its chain is broken.
fault-audit-log-failed-action = Call the administrator. Do not delete the log.
fault-broker-lost-patient = This machine can't be used at the moment. Please wait a moment.
fault-broker-lost-staff = The gateway's internal messages have stopped. It is trying to recover by itself.
fault-broker-lost-action = If it takes more than a minute, call the administrator.


# The gateway's page
page-title = Madoguchi Gateway
page-lane = Counter { $lane }
page-idle = Nobody here
page-visit = Visit in progress: { $step } (since { $since })
page-pin-job = PIN number { $job }
page-phones-yes = Smartphones: accepted
page-phones-no = Smartphones: not accepted
page-faults = What needs attention
page-no-faults = Nothing is wrong
page-what-to-do = What to do
page-since = since { $since }
page-line-up = Line: up
page-line-down = Line: down
page-queue = Confirmations not sent yet: { $waiting }
page-actors = Parts of the gateway
page-actor-running = running
page-actor-restarting = restarting
page-actor-gave-up = stopped (tried again now and then)
page-reader-unknown = Face-auth reader: not connected
page-reader = Face-auth reader: { $maker } { $model } ({ $software })
page-nfc-ready = Generic reader: ready
page-nfc-not-ready = Generic reader: not ready
page-waiting-for-state = Waiting for news of it
page-call-centre = Online eligibility call centre { $number } (Mon–Fri 8:00–18:00, Sat 8:00–16:00, closed on holidays)
page-call-centre-open = open now
page-call-centre-closed = closed now
page-holidays-end = The list of public holidays ends on { $until }. Put the Cabinet Office's new list (syukujitsu.csv) in its place.
page-phones-missing = Missing for smartphones: { $count }
page-first-phone = First phone confirmed online: { $day } (the Ministry then lists the facility; no application is needed)
page-no-first-phone = No phone has been confirmed online yet.
page-leave-list = Smartphones have been down since { $since }. If they will not work again soon, phone the call centre ({ $number }) and have the facility taken off the Ministry's list.
status-title = Smartphones as insurance cards
status-yes = Smartphones are accepted today.
status-no = Smartphones are not accepted at the moment.
status-not-here = Smartphones are not accepted at this hospital.
status-card = You can also use your My Number card.
status-as-of = As of { $now }
page-other-language = 日本語
step-idle = idle
step-choose-medium = choosing the way
step-choose-phone = choosing the kind of phone
step-enter-pin = entering the PIN
step-phone-authenticates = authenticating on the phone
step-face-or-pin = face or PIN
step-hold-medium = waiting for the phone or card
step-hold-hint = showing how to hold it
step-last-try = asking about the last try
step-reading-slot = reading the card
step-authenticating = identifying
step-consent = asking for consent
step-confirming = confirming eligibility
step-done = done
step-deferred = accepted, to be confirmed later
step-fallback = showing another way
## The patient's screens: headline (-title) and text (-text)

screen-idle-title = Welcome
screen-idle-text = Please touch what you would like to use.
screen-choose-medium-title = Choose how to check in
screen-choose-medium-text = Please touch what you would like to use.
screen-choose-phone-title = Choose your kind of phone
screen-choose-phone-text = Please touch the kind of phone that you have.
screen-enter-pin-android-title = Enter your PIN
screen-enter-pin-android-text =
    Please enter the 4-digit PIN of your phone's certificate for user authentication.
    Number { $job }
screen-enter-pin-card-title = Enter your PIN
screen-enter-pin-card-text =
    Please enter the 4-digit PIN of your My Number card's certificate for user authentication.
    Number { $job }
screen-phone-authenticates-title = Authenticate on your phone
screen-phone-authenticates-text = Please authenticate on your iPhone with Face ID or Touch ID, then touch "Continue". No PIN is needed.
screen-face-or-pin-title = Choose how to be identified
screen-face-or-pin-text = You can use the camera or your 4-digit PIN. If your card has no PIN, or both are difficult for you, please speak to our staff.
screen-insert-card-title = Put your card in
screen-insert-card-text = Please put your My Number card into this machine's card slot.
screen-hold-medium-iphone-title = Hold your iPhone over the reader
screen-hold-medium-iphone-text = Put the top edge of your iPhone on the mark of the card reader and keep it there.
screen-hold-medium-android-title = Hold your phone over the reader
screen-hold-medium-android-text = Put the back of your phone on the mark of the card reader and keep it there.
screen-hold-medium-card-title = Hold your card over the reader
screen-hold-medium-card-text = Put your My Number card on the mark of the card reader, or into this machine's card slot.
screen-reading-title = Reading
screen-reading-text = Please keep it still until the screen changes.
screen-hold-hint-iphone-title = Please hold it once more
screen-hold-hint-iphone-text = Take your iPhone away. Then put its top edge flat on the mark of the card reader, and keep it still until the screen changes. Touch "Try again" when you are ready.
screen-hold-hint-android-title = Please hold it once more
screen-hold-hint-android-text = Take your phone away, and take off a thick case. Then put the middle of its back flat on the mark of the card reader, and keep it still until the screen changes. Touch "Try again" when you are ready.
screen-hold-hint-card-title = Please hold it once more
screen-hold-hint-card-text = Take your card away, and out of its wallet or case. Then put it flat on the mark of the card reader, and keep it still until the screen changes. Touch "Try again" when you are ready.
screen-wrong-medium-title = This is something else
screen-wrong-medium-text = You chose: { $chosen }. You held: { $found }. Would you like to use what you held, or hold what you chose? No PIN try was used.
screen-last-try-title = One try of your PIN is left
screen-last-try-text = Another wrong PIN will lock it. Do you want to go on?
screen-reading-slot-face-title = Look at the camera
screen-reading-slot-face-text = Please look straight at the camera and wait. Leave your card where it is.
screen-reading-slot-pin-title = Enter your PIN
screen-reading-slot-pin-text = Please enter your 4-digit PIN as this machine tells you. Leave your card where it is.
screen-reading-slot-staff-title = Our staff are checking
screen-reading-slot-staff-text = A member of staff is checking the photograph on your card. Please wait.
screen-reading-slot-iphone-title = Hold your iPhone here
screen-reading-slot-iphone-text = Put the top edge of your iPhone flat on the mark of this machine, and keep it still until the screen changes.
screen-reading-slot-android-title = Enter your PIN, then hold your phone here
screen-reading-slot-android-text = Enter your 4-digit PIN as this machine tells you. Then put the back of your phone flat on the mark of this machine.
screen-authenticating-title = Checking
screen-authenticating-text = Reading is complete. Please wait a moment.
screen-consent-title = Do you agree to share your information?
screen-consent-text = May this hospital see your past health check-ups, medicines, treatments, operations, and your payment limit? You can see the doctor whatever you choose.
screen-consent-deferred-title = Do you agree to share your information?
screen-consent-deferred-text = The line is down at the moment, so your eligibility will be confirmed later. May this hospital see your past health check-ups, medicines, treatments, operations, and your payment limit? You can see the doctor whatever you choose.
screen-consent-item-title = { $item }
screen-consent-item-text = Do you agree that this hospital may see this? { $item }
screen-confirming-title = Checking you in
screen-confirming-text = Please wait a moment.
screen-done-title = You are checked in
screen-done-text = Your insurance is confirmed. Please take a seat.
screen-done-not-valid-title = Please speak to our staff
screen-done-not-valid-text = The check is complete, but our staff have a question about your insurance. Please speak to them at the counter.
screen-deferred-title = You are checked in
screen-deferred-text = We will confirm your insurance as soon as the line is back. Please take a seat.
screen-fallback-title = We will check you in another way
screen-fallback-text = Please speak to our staff, with one of these:
screen-taken-over-title = Our staff will help you
screen-taken-over-text = Please wait here. A member of staff will be with you.
screen-interrupted-title = Please start again
screen-out-of-service-title = Out of service
screen-out-of-service-text = Please speak to our staff at the counter.

## What a screen may say first

notice-tries-left = The PIN is wrong. Tries left: { $tries }.
notice-use-slot = The card reader can't be used at the moment. Please use this machine's card slot.
notice-take-card = Please take your card.

## Other ways, in the order of R-24 and R-25

fallback-my-number-card = - your My Number card
fallback-eligibility-certificate = - your eligibility certificate (shikaku kakuninsho)
fallback-portal-screen = - the eligibility screen of Mynaportal, shown to our staff
fallback-self-declaration = If you have none of these, our staff will help you with a form.

## Media and items of consent

medium-my-number-card = My Number card
medium-android = Android phone
medium-iphone = iPhone
consent-specific-health-checkups = Past health check-ups
consent-pharmacists = Medicines
consent-diagnosis = Treatments
consent-operation = Operations
consent-limit-application = Payment limit

## Buttons

choice-use-phone = Use a smartphone
choice-use-card = Use a My Number card
choice-iphone = iPhone
choice-android = Android
choice-face = Camera
choice-pin = PIN
choice-continue = Continue
choice-retry = Try again
choice-switch = Use what I held
choice-yes = Yes
choice-no = No
choice-agree-all = Agree to all
choice-agree-none = Agree to none
choice-agree-each = Choose one by one
choice-back = Back
choice-cancel = Cancel
choice-finish = Finish

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
