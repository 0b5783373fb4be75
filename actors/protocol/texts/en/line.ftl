## The line: its faults, and how it stands on the page

fault-line-outage-patient = The line is down or busy at the moment. The confirmation will be made later.
fault-line-outage-staff = Of everything tried over the line within five minutes, a fifth or more has failed. Beginning and end are kept.
fault-line-outage-action = Go on receiving patients. Run "madoguchi check line": it names the first broken step and whom to phone.
fault-line-on-second-patient = Please go on as usual.
fault-line-on-second-staff = The primary line does not carry. Confirmations go by the second line.
fault-line-on-second-action = Reception goes on as usual. Tell the primary line's provider; the gateway returns to it by itself.

line-way-primary = Primary line
line-way-second = Second line
line-stage-down = down
line-stage-connecting = connecting
line-stage-tunnel-up = the tunnel is up, the centre does not answer
line-stage-degraded = slow or with losses
line-stage-centre-reachable = up
line-used = in use
line-outage = Outage since { $since }
line-month = { $month }: { $share } % available, { $count } outages
