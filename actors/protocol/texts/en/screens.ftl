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
notice-take-away-first = Something lies on the card reader. Please take it away first, then hold yours.
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
