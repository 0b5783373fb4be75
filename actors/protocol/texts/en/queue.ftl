# Confirmations not sent yet (the offline queue), and rehearsing an outage

screen-practice-title = [Practice] { $title }
screen-practice-text = This is practice. Nobody is really being registered.

fault-rehearsal-patient = Staff are practising at this counter. We are sorry: please use another one.
fault-rehearsal-staff = This lane is rehearsing an outage. Its practice visits are not confirmed and never count.
fault-rehearsal-action = When the practice is over, choose "End the practice" for this lane on the page. Send patients to another counter.

act-begin-rehearsal = Rehearse an outage
act-end-rehearsal = End the practice
end-practised = practice
logged-practice-started = practice visit begun
logged-practice-settled = practice confirmation wiped
queue-practice = Practice confirmations (wiped when the practice ends)
