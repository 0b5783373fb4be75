# Steps of the runbook beyond a fault's own text, for the engineer who is called at night. Units are the appliance's;
# elsewhere it is the one program.
runbook-line-down =
    1. Patients are served all the same: what they confirm waits in the queue. See on the page "Queue" for how many hours there is room.
    2. Page "Line": since when, which of the lines, and whether the tunnel or the centre behind it is missing. With no tunnel on both lines look at the router and the provider's equipment first; with a tunnel and no answer it is the centre.
    3. Same page: certificates that have ended and a clock that is off look like a dead line. Mend these first where they are told.
    4. If the equipment is well, phone the call centre (it is closed at night and on Sundays), and the line's provider.
    5. When the line is back, the queue empties by itself. Check that the number of those that wait falls to 0.
runbook-queue-full =
    1. Nothing that was accepted is lost, but nothing new is accepted: patients are led to the fallbacks. Tell the counters.
    2. The usual cause is a long outage: see `line-down`. The queue empties by itself once the line is back.
    3. If the line is up and the queue does not empty, look at the disk (`madoguchi check`) and at what was set aside (`madoguchi queue list`, the gateway stopped).
    4. Where the outage will last, raise `offline_queue.most_records` or `most_mib` on the page "Configuration"; it takes effect without a restart.
runbook-queue-failed =
    1. No confirmation can be kept: every patient is led to the fallbacks. This is urgent.
    2. `madoguchi check` tells whether the disk is full, read-only or gone, and whose the queue's folder is.
    3. With the gateway stopped: `madoguchi queue check`. Where it finds damage: copy the folder away, then `madoguchi queue repair`. Never delete the folder: confirmations wait in it.
    4. Start the gateway. The fault is over when the queue has been opened and written.
runbook-broker-lost =
    1. Without it the parts can't talk to each other: no new visit begins. It normally comes back within seconds.
    2. On the appliance: `systemctl status madoguchi-broker`. Elsewhere the gateway keeps it; the log says why it ends.
    3. If it does not start: is the disk full, are its files below the state directory whole? Restarting the gateway writes them anew.
runbook-actor-gave-up =
    1. The page "Parts" tells which part it is. The others work on; a part of one counter affects that counter alone.
    2. Read the last lines of its log (its own unit on the appliance): what it failed at is told there, five times in a minute.
    3. Mend that (a folder, a certificate, a device, a setting that was changed last), then restart the part on the page. Without that it is tried once a minute.
    4. If a change of the configuration came before it, take that back on the page "Configuration".
runbook-pcsc-hung =
    1. The slots of the face-auth readers go on taking cards; phones and held cards are not read.
    2. On the appliance: `systemctl restart madoguchi-pcscd-N` for counter N. Elsewhere: restart the machine's pcscd; all its counters lose their reader for some seconds.
    3. If it hangs again, unplug the reader of that counter and plug it in again; if it still does, replace the reader.
runbook-receipt-folder-unavailable =
    1. Patients are served, and results wait in the queue; the receipt computer does not see them. Tell the accounts' counter.
    2. Is the receipt computer on, is its share mounted (`findmnt`), may the gateway write there (`madoguchi check`)?
    3. When the folder is back, what waited is written by itself, each result once.
runbook-audit-log-failed =
    1. Visits go on, and what happens waits to be written down. Don't restart the gateway before the disk is well: what waits in memory would be lost.
    2. `madoguchi check`: is the disk full, read-only or gone? Make room; the audit log's own files stay where they are.
    3. If the chain is said to be broken, change nothing: keep a copy of the folder for whoever reviews it.
runbook-clock-wrong =
    1. Evidence and certificates are judged by the time: with a wrong clock the line may be down, too.
    2. `chronyc tracking` and `chronyc sources`: is a time server reached? The appliance's are in `appliance.time_servers` of the configuration.
    3. When the servers are reached, `chronyc makestep` sets the clock at once. Then check the page "Line".
runbook-box-certificate-urgent =
    1. The page "Line" tells which certificate ends and when. After that day the line, or a counter's reader, is down.
    2. For the line: `madoguchi certificate csr`, have it issued, then `stage`, `prove` and `swap`; no visit is lost by it.
    3. For readers: the new certificate goes where `lane.face_reader.certificate` says; restart that counter's part afterwards.
