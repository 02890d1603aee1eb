# Everything the console says in English. Same keys as fr.ftl; a test watches over it.
skip = Skip to content
nav-label = Pages
nav-home = Home
nav-plans = Plans
nav-snapshots = Snapshots
nav-hosts = Hosts
nav-images = Images
nav-journal = Journal
language = Language
log-out = Log out
offline = Connection to the appliance lost; trying again…
never = never
cancel = Cancel
since = since { $date }
the-appliance = the appliance
close-tab = You can close this page: the work goes on in the appliance.
failed-to = What happened

ago-now = just now
ago-minutes = { $n ->
    [one] { $count } minute ago
   *[other] { $count } minutes ago
 }
ago-hours = { $n ->
    [one] { $count } hour ago
   *[other] { $count } hours ago
 }
ago-days = { $n ->
    [one] { $count } day ago
   *[other] { $count } days ago
 }

login-title = Open the console
login-user = Name
login-password = Password
login-button = Log in
login-hint = At the first start, the one-time password is shown where the appliance was started. Lost: “reprise user password admin” gives another one.
login-wrong = This name and this password do not go together.
login-wait = Too many tries: wait { $wait }, then try again.

password-title = Choose a password
password-first = The one-time password has just been used: it is worth nothing any more. Choose your own now.
password-old = Current password
password-new = New password
password-repeated = The same once more
password-button = Keep this password
password-length = { $shortest } to 200 characters. A sentence does very well.
password-differs = The two entries differ; try again.
password-old-wrong = That is not the current password.

error-not-found = Not found
error-invalid = The request is incomplete
error-refused = Not possible now
error-forged = This request does not come from a page of this console; reload the page and try again
error-not-logged-in = Log in first
error-must-change = Replace the one-time password first
error-too-many = Too many requests at once; try again in a moment
error-inside = Something broke inside the appliance
error-id = Reference for the technical log: { $id }
error-home = Back home

home-nothing-saved = Nothing is saved yet; nothing is protected.
home-none-dies = 0 of your services are protected; this copy dies with this box.
home-none = 0 of your services are protected.
home-some = { $n ->
    [one] { $count } of your { $total } services is protected.
   *[other] { $count } of your { $total } services are protected.
 }
home-all = { $n ->
    [one] Your service is protected.
   *[other] Your { $count } services are protected.
 }
home-troubles = To be dealt with
home-waiting = { $n ->
    [one] { $count } host waits for approval
   *[other] { $count } hosts wait for approval
 }
home-going-on = Going on now
home-services = Your services
home-no-plan = No service is entrusted to this appliance. Add a plan to reprise.toml, then restart:
home-own = The appliance itself
home-latest = Latest news
home-whole-journal = The whole journal
last-saved = Saved
last-proven = Restored for real
run-now = Save { $plan } now
see-proof = See the proof
own-proof = { $n ->
    [one] { $count } file ({ $bytes }) restored and compared in { $took }, no difference.
   *[other] { $count } files ({ $bytes }) restored and compared in { $took }, no difference.
 }

verdict-never-saved = never saved
verdict-failing = not protected
verdict-untested = saved, never tried
verdict-stale = saved, proof too old
verdict-proven = restored for real, not protected
verdict-protected = protected

reason-never-saved = Never saved to { $target }.
reason-run-failed = The last backup to { $target } did not succeed: { $detail }
reason-saved-too-old = The copy on { $target } is from { $date }: more than { $limit } old.
reason-problems = { $n ->
    [one] { $count } item could not be saved to { $target }.
   *[other] { $count } items could not be saved to { $target }.
 }
reason-never-restored = The copy on { $target } was never restored for real.
reason-proof-failed = The last test restore from { $target } failed: { $detail }
reason-proof-too-old = The last test restore from { $target } is from { $date }: more than { $limit } ago.
reason-dies = The copy on { $target } dies with this box: one is needed elsewhere.
reason-key = The password of vault { $target } was not typed back from paper: nobody has shown that it exists outside this box.

outcome-done = done
outcome-problems = done, with problems
outcome-failed = failed
outcome-cancelled = cancelled
outcome-interrupted = interrupted by a stop of the appliance
outcome-running = going on
outcome-queued = waits for its turn

work-run = Backup: { $subject }
work-proof = Test restore: { $subject }
work-restore = Restore: { $subject }
work-session = Deployment: { $subject }
work-import = Image import: { $subject }
work-of = { $done } of { $total }
work-left = { $left } left
step-queued = waits for its turn
step-scan = looking
step-store = storing
step-restore = restoring
step-compare = comparing
step-check = checking
step-read = reading
step-write = writing
step-verify = reading back
step-wait = waiting

fact-appliance-started = The appliance started (version { $version })
fact-appliance-stopped = The appliance stopped
fact-trouble = Trouble: { $object }
fact-trouble-over = Settled: { $object }
fact-run-started = Backup of { $plan } to { $target } began
fact-run-finished = { $n ->
    [0] Backup of { $plan } to { $target }: { $outcome } ({ $read } read, { $stored } added, { $took })
    [one] Backup of { $plan } to { $target }: { $outcome }, { $count } problem ({ $read } read, { $stored } added, { $took })
   *[other] Backup of { $plan } to { $target }: { $outcome }, { $count } problems ({ $read } read, { $stored } added, { $took })
 }
fact-proof-passed = { $n ->
    [one] { $plan } restored for real from { $target }: { $count } file, { $bytes }, snapshot { $snapshot }, no difference ({ $took })
   *[other] { $plan } restored for real from { $target }: { $count } files, { $bytes }, snapshot { $snapshot }, no difference ({ $took })
 }
fact-proof-failed = { $n ->
    [one] The test restore of { $plan } from { $target } failed: { $count } file, { $bytes }, snapshot { $snapshot } ({ $took })
   *[other] The test restore of { $plan } from { $target } failed: { $count } files, { $bytes }, snapshot { $snapshot } ({ $took })
 }
fact-restored = { $n ->
    [one] Restore of snapshot { $snapshot } to { $destination } by { $by }: { $outcome } ({ $count } file, { $bytes }, { $took })
   *[other] Restore of snapshot { $snapshot } to { $destination } by { $by }: { $outcome } ({ $count } files, { $bytes }, { $took })
 }
fact-downloaded = { $by } downloaded { $path } from snapshot { $snapshot }
fact-image-imported = Image { $name } imported ({ $bytes })
fact-host-seen = An unknown host ({ $mac }) asked to boot from the network
fact-host-reported = Host { $name } waits for approval
fact-host-approved = Host approved by { $by }
fact-host-forgotten = Host forgotten by { $by }
fact-session-opened = Deployment to disk { $disk } opened by { $by }
fact-session-advanced = Deployment: { $step }
fact-logged-in = { $user } logged in to the console
fact-log-in-refused = Log-in refused for { $user }
fact-password-changed = Password of { $user } changed
fact-key-confirmed = The password of vault { $target } was typed back by { $by }

session-opened = waits for the host
session-confirming = announced on the host's screen
session-writing = writing the disk
session-verifying = reading the disk back
session-done = done
session-failed = failed
session-cancelled = cancelled
session-expired = out of time

journal-title = Journal
journal-lead = Everything that happened, newest first. Nothing is ever erased from it.
journal-empty = Nothing has happened yet.
journal-older = Older
