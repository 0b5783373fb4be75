## The certificates' page: when each ends, and a new one for the terminal

certificates-title = Certificates
certificates-which = Certificate
certificates-ends = Ends on
certificates-stage = Stage
certificates-stage-fine = more than 90 days left
certificates-stage-days = { $days } days or less left
certificates-stage-expired = over, or not begun
line-certificate-page = This page's certificate
certificates-page-own = This page's certificate was made by the box itself (or it is served on the box alone). It is trusted by its fingerprint.
certificates-renewal = A new certificate for the terminal
certificates-renewal-about = In this order. Reception goes on all the while; nothing is changed before the last step, and the private key never leaves the box.
certificates-request-about = Take the request out and hand it to whoever issues the terminal's certificates.
certificates-request = Take the request out (CSR)
certificates-stage-about = The certificate that came back, with its chain (PEM)
certificates-stage-button = Take it in
certificates-prove-about = Make a real connection to the centre with it.
certificates-prove = Try it
certificates-swap-about = Try it once more and put it in place. The one from before is kept beside it.
certificates-swap = Put it in place
certificates-staged = It was taken in. Now try it.
certificates-proven = The centre answered to it. It can be put in place.
certificates-swapped = It is in place. The gateway takes it up within seconds.
certificates-unsound = It can't be used: it can't be read, or it belongs to another key than the request.
certificates-other-terminal = It is for another terminal. Ask for one with this terminal's name.
certificates-not-now = It is not valid today. Check its dates, and the box's clock.
certificates-unproven = The centre did not answer to it. Check the line, then ask whoever issued it.
certificates-not-staged = Nothing is prepared. Begin with the request.
certificates-not-written = It can't be written. Check the disk, and whether the box may write the files that [uplink] names.
certificates-no-answer = The line's part of the gateway does not answer. Try again in a moment.
certificates-too-large = That is too large for a certificate.

did-request-certificate = took out a request for a certificate
did-stage-certificate = took in a new certificate
did-prove-certificate = tried the new certificate
did-swap-certificate = put the new certificate in place
