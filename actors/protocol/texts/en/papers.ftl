# First setup: certificates and keys

papers-title = Certificates and keys
papers-about = Whether the certificates and keys that the configuration names are on this box. With all of them there it can take effect.
papers-which = What for
papers-file = File
papers-state = State
papers-until = Valid until { $day }
papers-ended = Ended on { $day }
papers-there = There
papers-missing = Not there yet
papers-hidden = Not to be seen from here (only the part that uses it can read it)
papers-wrong = Can't be used
papers-renewal = Certificates in use are renewed on the page "Certificates".
papers-request-title = Ask for this terminal's client certificate
papers-line-first = First give the terminal's name under "The hospital and this box" and the centre under "The line and the eligibility centre".
papers-request-about = The private key is made in this box and never leaves it. Take the request (CSR) to whoever issues the certificate, such as the line's provider. However often you take it out, it is for the same key.
papers-put-title = Put a certificate that arrived in place
papers-put-about = The certificate (PEM), with those between it and its authority where there are any.
papers-put = Put it in place
papers-put-done = It is in place.
papers-not-put = It was not put in place.
papers-not-named = The configuration names no such file.
papers-is-there = This certificate is there already. Renew it on the page "Certificates".
papers-again = Look again
papers-keys = The page takes no other private keys. Put them on the box at its console, or restore them from an export.
