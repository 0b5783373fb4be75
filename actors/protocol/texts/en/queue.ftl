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

queue-set-aside-action = The centre would not take some of them, or they are damaged: see the reason below, then send them again or take a copy.
queue-no-answer = The queue does not answer. See how it stands under “Parts”.
queue-accepted-at = Accepted
queue-lane = Lane
queue-reason = Reason
queue-look = Look
queue-retry = Send again
queue-export = Export (sealed)
queue-more = There are more: “madoguchi queue list” on the box shows all of them.
queue-when-full-nothing = When the queue is full, new patients are led to the fallbacks; nothing that was accepted is given up.
queue-when-full-set-aside = When the queue is full, what was set aside longest ago is given up first.
queue-when-full-oldest = When the queue is full, what was set aside longest ago is given up first, then what has waited longest.
queue-given-up-after = What still waits after { $days } days is given up.
queue-first-to-go = Were it full now, this would go first: accepted { $at }
queue-record-title = Record of the queue
queue-unknown = The queue knows no such record.
queue-id = Number
queue-stage = State
queue-stage-since = In this state since
queue-bytes = Sealed contents, in bytes
queue-stage-accepted = waits for the centre
queue-stage-answered = answered, the result is to be handed on
queue-stage-delivered = handed on
queue-stage-settled = finished and wiped
queue-stage-set-aside = set aside for a person to look at
queue-stage-practice = practice
queue-reason-refused-by-centre = the centre refuses the request
queue-reason-undecodable = its contents can't be read
queue-reason-damaged = it was damaged on the medium
queue-reason-undeliverable = the receipt computer's folder refuses the result
queue-reason-given-up-too-old = given up: it waited too long
queue-reason-given-up-for-room = given up to make room
queue-reason-practice = wiped: it was for practice
did-retry-record = sent record { $id } of the queue again
did-export-record = took a copy of record { $id } of the queue
did-rotate-queue-key = changed the queue's key
did-drop-queue-keys = removed the queue's old keys
said-put-back = It is sent again.
said-not-set-aside = This record is not set aside any more.
