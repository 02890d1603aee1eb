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
home-lags = But the copy of { $plan } on { $target } is too old: it is of { $date }.
home-lags-none = But { $plan } was never saved on { $target }.
home-lag = { $n ->
    [one] But { $count } copy is too old.
   *[other] But { $count } copies are too old.
 }
copy-in-time = in time
copy-late = late
copy-none = never saved
targets-title = Where the copies are
targets-lead = Where the copies are, how old they are, and which disk is plugged in. A vault that is not yesterday's is refused: nothing is written to it before you say that it is meant.
place-same-disk = dies with this box: same disk
place-other-disk = dies with this box: another disk
place-elsewhere = outside this box
disk-away = disk taken out
disk-unusable = plugged in, but does not open
disk-there = disk { $vault } is plugged in
disk-expected = expected every { $every }
target-refused = The vault that lies there is not yesterday's. Put the right disk or share back; or, if it is meant, say so. Until somebody does, nothing is written to it.
target-accept = It is meant: use this vault for { $target }
target-never = Nothing was saved there yet.
target-vault = Vault
target-here = it is the one that lies there
target-seen = Seen there
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
reason-incomplete = The copy on { $target } lacks a whole folder: { $detail }
reason-never-restored = The copy on { $target } was never restored for real.
reason-proof-failed = The last test restore from { $target } failed: { $detail }
reason-proof-too-old = The last test restore from { $target } is from { $date }: more than { $limit } ago.
reason-shares-disk = The copy on { $target } is on the same disk, or the same NAS, as the files it protects: one failure takes both.
reason-dies = The copy on { $target } dies with this box: one is needed elsewhere.
reason-key = The recovery words of vault { $target } were not typed back from paper: nobody has shown that it would open without this box.

reason-key-link = Make the sheet and type them back

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
work-session = Disk of { $subject }
work-import = Image import: { $subject }
work-tidy = Freeing room on { $subject }
work-of = { $done } of { $total }
work-left = { $left } left
step-queued = waits for its turn
step-scan = looking
step-store = storing
step-restore = restoring
step-load = loading
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
fact-run-started = Backup began: { $plan } to { $target }
fact-run-finished = { $n ->
    [0] Backup: { $plan } to { $target }, { $outcome } ({ $read } in all, { $stored } added, { $took })
    [one] Backup: { $plan } to { $target }, { $outcome }, { $count } problem ({ $read } in all, { $stored } added, { $took })
   *[other] Backup: { $plan } to { $target }, { $outcome }, { $count } problems ({ $read } in all, { $stored } added, { $took })
 }
fact-proof-passed = { $n ->
    [one] { $plan } restored for real from { $target }: { $count } file, { $bytes }, snapshot { $snapshot }, no difference ({ $took })
   *[other] { $plan } restored for real from { $target }: { $count } files, { $bytes }, snapshot { $snapshot }, no difference ({ $took })
 }
fact-proof-failed = { $n ->
    [one] Test restore failed: { $plan } from { $target }, { $count } file, { $bytes }, snapshot { $snapshot } ({ $took })
   *[other] Test restore failed: { $plan } from { $target }, { $count } files, { $bytes }, snapshot { $snapshot } ({ $took })
 }
fact-restored = { $n ->
    [one] Restore of snapshot { $snapshot } to { $destination } by { $by }: { $outcome } ({ $count } file, { $bytes }, { $took })
   *[other] Restore of snapshot { $snapshot } to { $destination } by { $by }: { $outcome } ({ $count } files, { $bytes }, { $took })
 }
fact-downloaded = { $by } downloaded { $path } from snapshot { $snapshot }
fact-image-imported = Image { $name } imported ({ $bytes })
fact-snapshots-forgotten = { $n ->
    [one] { $count } snapshot of { $plan } forgotten on { $target }, by the plan's rule
   *[other] { $count } snapshots of { $plan } forgotten on { $target }, by the plan's rule
 }
fact-recovered = This appliance was recovered on a bare box from its copy of { $taken } on { $target }, in { $took }
fact-state-put-back = The appliance’s memory was put back to the copy of { $taken }, kept before an upgrade; what it learnt since is set aside
fact-pruned = Room freed on { $target }: { $freed } ({ $took })
fact-host-seen = An unknown host ({ $mac }) asked to boot from the network
fact-hosts-imported = { $n ->
    [one] { $count } host imported from a list by { $by }
   *[other] { $count } hosts imported from a list by { $by }
 }
fact-host-reported = Host { $name } waits for approval
fact-host-approved = Host approved by { $by }
fact-host-named = { $before } is now called { $name } (by { $by })
fact-host-detailed = What is noted of { $name } was changed (by { $by })
fact-next-boot-asked = { $name } boots “{ $entry }” next, once, by the wish of { $by }
fact-menu-opened = The menu of { $name } was opened with the password, by somebody who says “{ $who }”
fact-menu-refused = Wrong password for the menu of { $name }, typed by somebody who says “{ $who }”
fact-next-boot-given = { $name } was given “{ $entry }”; from now on it boots as usual
fact-adapter-shared = The network card { $mac } of { $other } was used by { $name } too: a dock or an adapter that goes around
fact-host-doubled = { $name } says the serial number or UUID of { $other }, and both run: two machines, kept apart
fact-host-forgotten = Host forgotten by { $by }
fact-session-opened = Deployment to disk { $disk } opened by { $by }
fact-capture-opened = Disk { $disk } of { $name } is to become the image { $image }, asked by { $by }
fact-wipe-opened = Disk { $disk } of { $name } is to be erased, confirmed by { $by }
fact-disk-wiped = Disk { $disk } (serial { $serial }) of { $name } is erased, as { $by } confirmed
wiped = { $written } overwritten with zeros, { $checked } read back and found zero, in { $took }
wiped-and-freed = { $written } overwritten with zeros and freed, { $checked } read back and found zero, in { $took }
fact-session-advanced = Session: { $step }
fact-logged-in = { $user } logged in to the console
fact-log-in-refused = Log-in refused for { $user }
fact-password-changed = Password of { $user } changed
fact-key-confirmed = The password of vault { $target } was typed back by { $by }
fact-paper-made = A recovery sheet of vault { $target } was made by { $by }
fact-words-confirmed = The recovery words of vault { $target } were typed back from paper by { $by }
fact-vault-accepted = The vault in { $target } is the one that is meant, says { $by }
fact-disk-came = Disk { $vault } was plugged in at { $target }
fact-disk-went = Disk { $vault } was taken out of { $target }

session-opened = waits for the host
session-confirming = announced on the host's screen
session-reading = reading the disk
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

col-when = When
col-plan = Plan
col-target = Target
col-outcome = Outcome
col-added = Added
col-took = Took
col-files = Files
col-size = Size
col-host = Host
col-name = Name
col-modified = Modified
col-actions = Actions
col-state = State
col-image = Image
form-stale = This page is too old; reload it and try again

plans-lead = What is saved, where, at what hour, and the proof that it comes back. Plans are written in reprise.toml.
plan-daily = every day at { $at }
plan-by-hand = by hand only
plan-prove-every = test restore every { $every }
plan-prove-each = test restore after each backup
plan-files = Folders
plan-when = When
plan-proof = Proof
plan-targets = Targets
plan-rpo = Accepted data loss (RPO)
plan-rto = Recovery time objective (RTO)
plan-tier = Recovery tier
prove-now = Test a restore of { $plan } from { $target }
own-plan = The appliance's state, configuration and certificates are saved at first start and then daily, restored aside and compared.
run-own-now = Save the appliance now
prove-own-now = Test a restore of the appliance from { $target }
runs-title = Latest backups
runs-empty = No backup has happened yet.
run-title = Backup: { $plan } to { $target }
run-problems = { $n ->
    [one] { $count } item could not be saved
   *[other] { $count } items could not be saved
 }
run-cancel = Stop this backup
run-began = Began
run-ended = Ended
run-by = Asked by
by-schedule = the plan's schedule
run-files = Content
run-added = Added to the vault
browse-snapshot = Browse this snapshot
no-such-run = backup { $id }
no-such-proof = proof { $id }
no-such-restore = restore { $id }

proofs-title = Restore proofs
proofs-lead = Each line is a test restore, made the same way as a real one, then compared with what had been read.
proofs-empty = No test restore has happened yet.
proof-title = Proof: { $plan } from { $target }
proof-restored = restored for real
proof-loaded = database restored and opened
proof-database = Database { $name }
proof-database-rows = { $n ->
    [one] { $tables } tables, { $count } row ({ $bytes }) in { $took }
   *[other] { $tables } tables, { $count } rows ({ $bytes }) in { $took }
 }
proof-database-engines = { $engine }: saved from version { $saved }, opened in version { $loaded }
proof-database-taken = State of the database
proof-database-checked = Tables and indexes checked by the server itself.
proof-database-unchecked = Tables and indexes not checked by the server: its tool for it is not installed.
proof-database-open = The trial server could not be cut off from the network: this system does not allow it.
proof-scrubbed = read back whole
proof-listed = complete, not read back
proof-failed = failed
proof-empty = This snapshot is empty: there was nothing to compare.
proof-when = Tried
proof-saved = Saved
proof-compared = Compared
proof-restore-took = Restore took
proof-compare-took = Comparison took
proof-journal = Database
proof-journal-head = opened again; its journal ends at fact no. { $head }
proof-level = Level
proof-listing = Digest of the listing
proof-differences = { $n ->
    [one] { $count } difference
   *[other] { $count } differences
 }
proof-not = What this proof does not show
proof-sample = Some of the files compared
not-proven-application = That the application starts with these files.
not-proven-machine = That a whole machine starts again.
not-proven-elsewhere = That a copy exists outside this box.
not-proven-content = That every byte was read back.
not-proven-restore = That the files come back to their place.

snapshots-lead = Each one is the whole state of a plan at one moment. Browse it, take a file, or put everything back.
snapshots-on = On { $target }
snapshots-empty = No snapshot.
snapshots-older = { $n ->
    [one] { $count } older one is not shown; “reprise snapshot list” shows them all.
   *[other] { $count } older ones are not shown; “reprise snapshot list” shows them all.
 }
snapshot-title = { $plan }, { $date }
snapshot-lead = { $files } files, { $bytes }
crumbs = Path
crumb-top = Snapshot
kind-file = file
kind-folder = folder
kind-link = link
kind-pipe = pipe or socket
kind-device = device
restore-here = Restore this folder
restore-one = restore
zip-here = Download as zip
folder-empty = This folder is empty.
folder-more = More of this folder

restore-title = Restore { $plan }, { $date }
restore-everything = The whole snapshot
restore-where = Where shall these files go?
restore-machine = Machine
restore-this-box = this appliance
restore-into-folder = Into a folder
restore-folder = Folder
restore-folder-hint = Full path. Nothing is written before you have seen and confirmed the exact paths.
restore-absolute = Give a full path, beginning with /
restore-existing-question = If a file is already there
restore-refuse = do nothing and say so
restore-keep = keep the one that is there
restore-replace = replace it with the saved one, even if it is newer
restore-older = replace it only if it is older than the saved one
restore-beside = keep both: the saved one gets a name beside it
restore-home = Where they were, on the machine chosen
restore-lost = { $n ->
    [one] The present content of { $count } file will be lost
   *[other] The present content of { $count } files will be lost
 }
restore-lost-newer = { $n ->
    [one] The present content of { $count } file will be lost; it is newer than the saved one
   *[other] The present content of { $count } files will be lost, { $newer } of them newer than the saved ones
 }
restore-newer = newer than the saved one
restore-same = { $n ->
    [one] { $count } file is already there, the same: it will not be written again.
   *[other] { $count } files are already there, the same: they will not be written again.
 }
restore-beside-count = { $n ->
    [one] { $count } file will be restored under a name beside it.
   *[other] { $count } files will be restored under names beside them.
 }
restore-beside-name = { $name } stays; the saved one becomes { $becomes }
restore-blocked = { $n ->
    [one] { $count } item will not be restored: a folder and a file have the same name.
   *[other] { $count } items will not be restored: a folder and a file have the same name.
 }
restore-no-room = There is not enough room: { $needed } are needed, { $free } are left. Free some space or choose another folder.
restore-db-here = Restore its database into a new one
restore-db-title = A database of { $plan }, { $date }
restore-db-lead = The saved database is loaded into a new one, on a server of yours, then counted. No database that exists is written over.
restore-db-where = Into which new database?
restore-db-to = Address of the new database
restore-db-to-hint = mariadb://user@server/new-name or postgresql://user@server/new-name. For a server on this box, end it with ?socket=/run/mysqld/mysqld.sock (for PostgreSQL, the folder of its socket). The user must have the right to make databases.
restore-db-password = Password of that user
restore-db-password-hint = Used for this restore and kept nowhere.
restore-db-preview = See what will be made
restore-db-exactly = This is exactly what will be made
restore-db-new = The new database
restore-db-from = { $database }, as it was on { $date } ({ $engine } { $version })
restore-db-becomes = { $name }, which does not exist yet, at { $url } (version { $version })
restore-db-totals = { $n ->
    [one] One table, { $rows } rows, { $bytes } to load; then everything is counted and compared.
   *[other] { $count } tables, { $rows } rows, { $bytes } to load; then everything is counted and compared.
 }
restore-db-views = { $n ->
    [one] one view
   *[other] { $count } views
 }
restore-db-triggers = { $n ->
    [one] one trigger
   *[other] { $count } triggers
 }
restore-db-routines = { $n ->
    [one] one routine
   *[other] { $count } routines
 }
restore-db-events = { $n ->
    [one] one event
   *[other] { $count } events
 }
restore-db-powerful = This user may do more on that server than fill one new database, and so may the statements in the saved one. Where you do not trust who wrote to it, use a user with rights on the new database only.
restore-db-button = Make { $name } and load it
restore-db-url = The address of the new database cannot be read: { $why }.
restore-db-none = This restore point holds no database.
restore-db-too-late = What was shown is too old, or was confirmed already. Look at it again, then confirm.
restore-preview = See what will be written
restore-exactly = This is exactly what will be written
restore-totals = { $n ->
    [one] { $count } file ({ $bytes }), folders: { $folders }.
   *[other] { $count } files ({ $bytes }), folders: { $folders }.
 }
restore-kept = { $n ->
    [one] { $count } existing file will be kept as it is
   *[other] { $count } existing files will be kept as they are
 }
restore-from = In the snapshot
restore-becomes = On the appliance
restore-becomes-on = On { $server }
restore-button = Restore to { $destination }
restore-to = Restore to { $destination }
restore-done = { $n ->
    [one] { $count } file, { $bytes }, in { $took }
   *[other] { $count } files, { $bytes }, in { $took }
 }
restore-problems = { $n ->
    [one] { $count } item could not be restored
   *[other] { $count } items could not be restored
 }
restore-cancel = Stop this restore
restore-resume = Go on with this restore
restore-resume-hint = What is restored already stays; only the rest will be written.
restore-resume-count = Gone on with
restore-resumed = { $n ->
    [one] { $count } time
   *[other] { $count } times
 }
restore-destination = To
restore-brought = Restored

boot-off = Network boot is off: no interface is named in reprise.toml (“./run --interface NAME”).
host-seen = seen, silent
host-waiting = waiting for approval
host-approved = approved
host-approved-by = approved by { $by } on { $date }
host-first-seen = First seen { $date }
host-cpu = { $n ->
    [one] { $model }, { $count } core
   *[other] { $model }, { $count } cores
 }
host-system = Machine
host-product = Model
host-serial = Serial number
host-processor = Processor
host-memory = Memory
host-firmware = Firmware
host-secure-boot = Secure Boot
host-secure-off = off
host-secure-on = on
host-secure-trusts = on; starts what is signed under { $names }
host-secure-refuses = The boot disk will be refused: in this host’s firmware settings, allow the third-party UEFI CA (“Allow Microsoft 3rd Party UEFI CA”).
host-disks = Disks
host-nics = Network cards
host-macs = Hardware addresses
host-last-seen = Seen
host-glpi-accepted = Inventory accepted by GLPI on { $date }.
host-glpi-waits = Its inventory has not reached GLPI yet.
host-user = User
host-profile = Profile
host-asset-tag = Asset tag
host-supplier = Supplier
host-bought = Bought
host-address = Fixed address
host-address-hint = Kept for this host: any of its own network cards gets it, and no other host. Leave it empty for any address.
host-address-which = IPv4 address, such as 192.168.1.20
host-address-button = Keep this address for it
host-warranty = Warranty
warranty-until = until { $date }
warranty-over = over since { $date }
warranty-today = ends today
warranty-soon = { $n ->
    [one] ends in { $count } day ({ $date })
   *[other] ends in { $count } days ({ $date })
 }
host-becomes = It will be called { $name }
host-profile-own = the one it has
hosts-preview = Show the names
hosts-many = Approve several
hosts-many-hint = Tick those whose code is the one on their screen. All of them are approved, or none.
hosts-many-button = Approve what is ticked
hosts-export = Download the list (CSV)
disk-removable = removable
pairing = Code shown by the host:
pairing-hint = Compare it with the host's screen: the same code proves that this machine is the one that talks to this appliance.
host-approve = Approve { $name }
host-deploy-link = Approve and deploy…
host-ask = Ask it again at its next network boot
host-forget = Forget { $name }
host-wake = Switch it on over the network
host-next = Its next network boot
host-next-asked = It gets “{ $entry }” once, asked by { $by }, until { $date }.
host-next-hint = Once, within a day. Choose the network in the host's boot menu (mostly F12); the boot after that is as usual.
host-next-what = What it gets
host-next-button = Give it this once
host-next-withdraw = nothing any more
host-menu = The menu, on its screen
adapters-title = Shared network cards
adapters-hint = A dock or a USB adapter that several hosts have used. Such a card tells no host: whoever boots by it says its serial number first, and gets nothing that is meant for another.
adapters-mac = Card
adapters-users = Used by
hosts-known = Known hosts
hosts-none = No host has shown up yet.
hosts-none-yet = No other host.
sessions-title = Deployments
deploy-choose = Deploy an image
deploy-choose-hint = The next page says what will be lost; nothing is written before you confirm.
deploy-image = Image
deploy-disk = Disk
deploy-see = See what will be lost
deploy-no-image = Choose an image first
deploy-no-disk = This host has not said yet which disks it has.
deploy-title = Deploy “{ $image }” to { $host }
deploy-type = To confirm, type the host's name: { $name }
deploy-typed-wrong = The name typed is not { $name }; nothing was done.
deploy-button = Erase { $disk } and deploy to { $host }
session-stale = the host no longer answers
wipe-choose = Erase a disk
wipe-title = Erase a disk of { $host }
wipe-hint = The whole disk is overwritten once with zeros, then read back; the journal keeps who confirmed it, which disk and when. The host does it at its next network boot.
wipe-button = Erase { $disk } of { $host }
wipe-summary = { $bytes } overwritten and read back in { $took }
session-wipe = none: the disk is erased
capture-choose = Make an image of a disk
capture-title = Image { $image } of a disk of { $host }
capture-hint = The whole disk is read into the vault of images, deduplicated; nothing on it is changed. The host does it at its next network boot. Prepare a model first: Windows generalised (sysprep) and shut down completely, its disk not encrypted.
capture-name = Name of the image
capture-button = Make this image
capture-summary = { $bytes } read, stored and compared in { $took }
session-said = What happens
host-memtest = Memory test (memtest86+)
host-rescue = Rescue: a shell with the network up
session-cancel = Cancel this session
session-cancelled-by = Cancelled by { $by }.
session-summary = { $bytes } written and read back in { $took }.
session-lost = Lost
session-expires = Valid until
images-lead = System disks ready to be deployed. They lie in the vault like everything else: deduplicated, encrypted.
images-empty = No image. Import one:
image-imported = Imported
image-how = To add a raw disk, on the appliance:

account-title = Your account
account-password = Console password
account-password-link = Choose another one
account-fingerprint = Fingerprint of this console's certificate
account-fingerprint-hint = Your browser must show the same SHA-256 fingerprint.
keys-title = Recovery sheets of the vaults
keys-lead = A copy that nobody can open protects nobody. Print one sheet for each vault, keep it off the premises and away from the vault, and type its words back here from the paper. A service counts as protected only after that.
keys-none = No vault is configured.
key-label = Vault { $target }
key-confirmed = Words typed back by { $by } on { $date }
key-never = Words never typed back.
key-button = Check the words of { $target }
key-paper-step = 1. Make a sheet: twenty-four words and a code to print. They are shown once and kept nowhere.
key-paper-button = Make a sheet for { $target }
key-words-step = 2. Type the twenty-four words back, read from the paper
paper-title = Recovery sheet of vault { $target }
paper-once = Print this page now (Ctrl+P): these words are never shown again, and this box does not keep them.
paper-what = These twenty-four words open the backups of { $appliance } when the box and its passwords are gone. Sheet made on { $date }.
paper-keep-title = Where to keep it.
paper-keep = Off the premises and away from the vault: a safe, a bank, a notary. Whoever has this sheet and the vault can read everything.
paper-use-title = How to use it.
paper-use = On any Linux machine with the program reprise: type the twenty-four words, in order, into a file FILE, then
paper-code = The code holds the same words.
paper-next = Is the sheet printed?
paper-next-link = Type its words back from the paper

letter-subject = { $appliance }: { $what }
letter-from = Written by the appliance { $appliance } (Reprise). Do not reply to this message.
letter-try-subject = a try of the messages
letter-try-lead = Somebody asked for this message, as a try: the messages of this box arrive here.
letter-opened-subject = trouble: { $object }
letter-opened-lead = Something is wrong: { $object }.
letter-since = Since { $date }.
letter-until-over = There will be one message when it is over, and none until then.
letter-comes-and-goes = This is the third time within a day: it comes and goes. No more messages about it for that day; the morning message and the console go on telling.
letter-over-subject = over: { $object }
letter-over-lead = It is over: { $object }.
letter-lasted = From { $from } to { $to } ({ $took }).
letter-it-was = It was: { $sentence }
object-target = target { $target }
object-plan = plan { $plan }
object-proof = the test restore of { $plan } from { $target }
object-age = the copy of { $plan } on { $target } is too old
object-room = the room on target { $target }
object-history = the history of target { $target }
object-messages = messages do not leave ({ $channel })
object-clock = the clock of this box
letter-none-protected = 0 of your services are protected.
letter-only-itself = This box protects only itself: no service is entrusted to it.
letter-troubles-title = What is wrong
letter-no-trouble = No trouble goes on.
letter-trouble = { $object }, since { $date }: { $sentence }
letter-trouble-since = { $sentence } Since { $date }.
letter-trouble-found-since = { $sentence }. Since { $date }.
letter-service = { $plan }: { $verdict }
letter-nowhere = Saved nowhere: no target is named.
letter-never-saved = Never saved to { $target }.
letter-saved = { $n ->
    [one] Saved to { $target } on { $date }: { $count } file, { $bytes } ({ $added } of it new), in { $took }.
   *[other] Saved to { $target } on { $date }: { $count } files, { $bytes } ({ $added } of it new), in { $took }.
 }
letter-saved-problems = { $n ->
    [one] { $count } item could not be saved.
   *[other] { $count } items could not be saved.
 }
letter-busy = A backup to { $target } is going on; it is not counted here.
letter-never-tried = Never tried: the copy on { $target } was never restored for real.
letter-not-restored = The test of { $date } from { $target } failed: { $why }
letter-last-good = Last copy restored for real: that of { $date }.
letter-restored = { $n ->
    [one] Restored for real from { $target } on { $date }, in { $took }: { $count } file ({ $bytes }), compared, no difference.
   *[other] Restored for real from { $target } on { $date }, in { $took }: { $count } files ({ $bytes }), compared, no difference.
 }
letter-opened = { $n ->
    [one] Database { $database } restored and opened from { $target } on { $date }, in { $took }: { $tables } tables, { $count } row, compared with what had been counted, no difference.
   *[other] Database { $database } restored and opened from { $target } on { $date }, in { $took }: { $tables } tables, { $count } rows, compared with what had been counted, no difference.
 }
letter-read = Read back on { $target } on { $date }, nothing restored.
letter-listed = All there on { $target } on { $date }, not read back.
letter-no-range = { $n ->
    [one] So far no time is promised: measured { $count } time, three are needed.
   *[other] So far no time is promised: measured { $count } times, three are needed.
 }
letter-range = { $n ->
    [one] To have it back: { $least } to { $most }, measured { $times } times between { $from } and { $to }, for this { $count } file ({ $bytes }), from { $target } to this box.
   *[other] To have it back: { $least } to { $most }, measured { $times } times between { $from } and { $to }, for these { $count } files ({ $bytes }), from { $target } to this box.
 }
letter-exposed-title = Not protected
letter-exposed = { $plan }, since { $date }: { $reasons }
letter-exposed-now = { $plan }: { $reasons }
letter-week-title = The last seven days
letter-week-saved = { $n ->
    [one] { $count } backup succeeded, { $failed } did not, { $added } added.
   *[other] { $count } backups succeeded, { $failed } did not, { $added } added.
 }
letter-week-restored = { $n ->
    [one] { $count } restore for real succeeded, { $failed } failed.
   *[other] { $count } restores for real succeeded, { $failed } failed.
 }
letter-alive = This box is alive.
letter-next-day = Next message tomorrow at { $hour }. If it does not come, go and look at the box.
letter-next-week = Next message on Monday at { $hour }. If it does not come, go and look at the box.

fact-message-sent = Message sent ({ $channel }): { $subject }
fact-message-lost = Message lost ({ $channel }): { $subject }

nav-notify = Messages
nav-restore = Restore
nav-unprotected = Unprotected
nav-targets = Copies
unprotected-title = What nobody saves
unprotected-sentence = { $n ->
    [0] Everything this box sees is saved ({ $saved }), or its risk is accepted.
    [one] { $count } thing that this box sees is saved by nobody; saved: { $saved }.
   *[other] { $count } things that this box sees are saved by nobody; saved: { $saved }.
 }
unprotected-open = To be decided
unprotected-none = Nothing waits for a decision.
unprotected-accepted = Accepted risks
unprotected-seen = What this box sees, and what it does not
unprotected-looked = Looked at: the folders of { $folders } on this box, its MariaDB and PostgreSQL servers, Dolibarr and Nextcloud where they lie there, the hosts known to the network boot or imported.
unprotected-unseen = Not looked at: what other machines hold, online services, telephones. A machine counts as saved when a plan saves a share that is mounted from it.
unprotected-blind = This could not be looked at; it may hold something that nobody saves:
seen-application = { $name } in { $folder }
seen-database = the database { $name } ({ $engine })
seen-server = a { $engine } server; its databases are not visible from here
seen-folder = the folder { $folder }
seen-host = the host { $name }
seen-host-mac = the host { $name } ({ $mac })
risk-open = unprotected
risk-partly = in part: only { $inside } is saved
risk-ran-out = unprotected: { $by } accepted the risk only until { $date } ({ $why })
risk-accepted = risk accepted by { $by } until { $date }: { $why }
risk-summary = Accept the risk
risk-why = Why it may be lost
risk-until = For (then the question comes back)
risk-button = Accept that nobody saves { $name }
risk-withdraw = No longer accepted: { $name }
risk-refused = This risk was not accepted: say why, and for one year at most.
protect-summary = Protect
protect-how = Add these lines to reprise.toml, check them (`reprise config check`), then restart Reprise:
protect-name = Change the name and the hour as you like; the first backup can be started at once from the page of plans.
protect-host = The files of another machine are saved from a share that is mounted here: mount it, then add a plan for that folder. The machine then counts as saved.
protect-database = A database is saved by its server's own tools: copying its files while it runs gives no usable copy. Its user and his rights: docs/databases.md.
home-unprotected = { $n ->
    [one] { $count } thing that this box sees is saved by nobody.
   *[other] { $count } things that this box sees are saved by nobody.
 }
home-unprotected-see = See what nobody saves, and decide
fact-risk-accepted = Risk accepted by { $by } until { $date }: { $object } ({ $why })
fact-risk-withdrawn = Risk no longer accepted by { $by }: { $object }
fact-risk-ran-out = The acceptance of a risk has run out: { $object }
letter-unprotected-title = Seen, but saved by nobody
letter-unprotected = { $name }: { $standing }
letter-unprotected-more = { $n ->
    [one] and { $count } more; the console shows them all.
   *[other] and { $count } more; the console shows them all.
 }
notify-lead = One message when something breaks, one when it works again, one every morning. They wait here while their server does not answer.
notify-none = No way is named: this box tells nobody. Add [notify] to reprise.toml (`reprise config example` shows the keys), then restart.
notify-channels = Ways
notify-try = Try now
notify-try-lead = Sends a message by each way and shows what its server answers.
notify-tried = Answers to the try
notify-outbox = Latest messages
notify-empty = No message was written yet.
notify-every-day = Morning message every day at { $hour }
notify-every-week = Morning message on Mondays at { $hour }
col-channel = Way
channel-mail = mail to { $to }
channel-mattermost = Mattermost
channel-ping = sign of life
col-subject = Subject
col-answer = Answer
letter-waiting = waiting
letter-refused = refused, to be tried again
letter-sent = sent
letter-lost = lost

# What other parts say is wrong. The English text is the very sentence that they write (see words/told.rs).
told-failed = failed to { $what }
told-of-target = { $what } (target { $target })
told-missing = open the vault folder { $folder }: it does not exist; mount the disk or share that holds it, or create the folder and run `reprise vault init`
told-not-a-folder = open the vault folder { $folder }: it is not a folder; correct the target's path
told-not-mounted = use the vault folder { $folder }: nothing is mounted there (must_be_mounted is set); mount the NAS or disk and try again
told-read-only = write { $object } in { $folder }: the file system is read-only; remount it read-write or check the disk
told-denied = use { $object } in { $folder }: permission denied; give this user the right to read and write there
told-full = write { $object } in { $folder }: the disk is full ({ $free_bytes } bytes free, { $needed_bytes } needed); free some space or choose a larger target
told-full-of = write { $object } in { $folder }: the disk is full ({ $free_bytes } bytes free, { $needed_bytes } needed); free some space or choose a larger target (target { $target })
told-reserved = write { $object } in { $folder }: only { $free_bytes } bytes are free on this disk, which the system needs too ({ $keep_bytes } are kept for it, keep_free_mb); free some space, or give the vault a disk of its own
told-exchanged = use the vault folder { $folder }: another disk is mounted there than a moment ago; nothing was written to it, start again with the disk that is meant
told-not-found = read { $object } in { $folder }: it does not exist; run `reprise vault check`
told-short = read { $object } in { $folder }: it ends too early; run `reprise vault check`
told-untrue = publish { $object } in { $folder }: what was written reads back differently; the disk or share cannot be trusted, replace it
told-io = use { $object } in { $folder }: { $error }; check the disk or share
told-unreachable = use the vault in { $folder }: { $what }
told-host-unknown = the host key of { $host } is not known: it shows { $offered }; compare that with what the NAS itself shows (on it: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then name it once with --host-key { $again }, which writes it to { $file }; no password was sent
told-host-changed = { $host } is not the machine it was: its host key is { $offered }, pinned is { $pinned }; if the NAS was replaced or set up anew, remove the line of { $again } from { $file } and name the new key with --host-key; otherwise somebody may be in between: nothing was sent
told-host-silent = { $host } does not answer: { $error } ({ $tries }); check that the NAS is on, that its SFTP service runs and that it does not block this machine (auto-block)
told-login-refused = { $host } refused the login of { $user } with { $with } ({ $tries }); { $next }
told-no-sftp = { $host } offers no SFTP to { $user }: { $error }; switch the SFTP service on, and give this user the right to use it
told-ssh-key = read the SSH key { $file }: { $error }
told-ssh-password = read the SSH password in { $file }: { $error }; write it on the first line of that file
told-locked = unlock target { $target }: failed to { $what }
told-password-unreadable = read the password file { $file }: { $error }; create it with the vault's password on its first line (mode 0600)
told-password-empty = read the password file { $file }: its first line is empty; write the vault's password there
told-silent = use target { $target }: { $folder } gave no answer within { $seconds } seconds; check that the NAS is on and the network works, then mount it again
told-foreign = use target { $target }: the vault there{ $now } is not the one this appliance saved to until { $was }; put the right disk or share back, or say that this one is meant with `reprise target accept { $again }`
told-emptied = use target { $target }: { $folder } holds no vault any more, where this appliance saved until { $was }; put the right disk or share back. If it is lost, make a new vault with `reprise vault init` and say that it is meant with `reprise target accept { $again }`
told-no-vault = open { $folder }: it holds no vault; check the path, or make one with `reprise vault init`
told-wrong-password = open the vault in { $folder }: wrong password; check the password file, or type the password from the paper key
told-newer-format = open the vault in { $folder }: it has format { $found }, this program reads up to { $known }; use a newer reprise
told-damaged = read { $object }: { $error }; run `reprise vault check` to see what is hit
told-bad-root = save { $path }: { $error }; correct the plan's folders
told-nothing-saved = save plan { $plan }: none of its folders could be read ({ $error }); check that they exist and are mounted
told-revoked = save: this run was revoked by a prune while it was at work, what it saves is void; run it again
told-overtaken = save: a prune took away what this run counted on; run it again (its packs are used again)
told-incomplete = save { $folders } of plan { $plan }: nothing of it is in this restore point; bring it back (is its disk mounted?), or take it out of the plan
told-pulled = the disk of target { $target } was taken out while plan { $plan } was being saved to it; every restore point on it is whole, this one is not there; plug it in again, it is then saved by itself
told-disk-late = the disk has not been brought for longer than was agreed ({ $object }; expected_every): plug it in, it is then saved by itself
told-verified = verified: { $tables } tables with { $rows } rows are in the new database as they were saved
told-clock-set = the clock of this box was set from { $was } to { $now } while reprise ran: each plan goes on at its hour, and what that makes due is done once; if nobody meant it, set the clock right and switch on a time server (timedatectl set-ntp true)
told-overdue = the newest restore point is older than it may be ({ $object }): no backup has succeeded since; see why with `reprise run list`, and start one with `reprise plan run`
told-not-proven = plan { $plan } on target { $target } could not be proven: { $why }
told-difference = 1 difference: { $first }
told-differences = { $count } differences, the first: { $first }
told-listed-less = the snapshot says it holds { $files } files, its folders list { $listed }; run `reprise vault check`
told-compared-less = { $compared } files of { $files } were compared; look in the log for what stopped the others
told-no-file = the snapshot holds no file, only folders: look whether the plan names the right ones
told-scratch-full = use the scratch folder { $folder }: it has { $free_bytes } bytes free and { $needed_bytes } are needed; free some space there or set `state_dir` to a larger disk
told-scratch = use the scratch folder { $folder }: { $error }; make the state folder writable and free some space on it
told-rolled-back = target { $target } holds an older state than yesterday: restore point { $point } is gone, and nobody forgot it here; ask who put an older copy of the NAS back or deleted files there, and run `reprise vault check` on it
told-not-tidied = { $what } (while old restore points of plan { $plan } were tidied)
told-cut-off = reprise stopped in the middle (power cut, kill or restart), or could not record the end
told-words = use the recovery words of target { $target }: { $what }; compare them with the paper
told-words-count = it has { $count } words instead of { $wanted }
told-words-unknown = its word { $number } ({ $word }) is none of the list
told-words-mixed = its words do not fit together: one is wrong, or two are exchanged
told-words-other = they are words of another vault, or their sheet was taken back
told-glpi = send inventories to GLPI: { $what }
told-glpi-one = send the inventory of { $host } to GLPI: { $what }
told-glpi-more = send the inventory of { $host } and { $count } more to GLPI: { $what }
told-glpi-silent = it does not answer ({ $error }); check that the server is on, and that url in [glpi] is right
told-glpi-login = it wants another log-in (answer { $status }: { $said }); write user and password_file in [glpi] as its inventory settings say
told-glpi-no-page = it takes no inventory at this address (answer { $status }); correct url in [glpi]
told-glpi-elsewhere = it sends us elsewhere ({ $address }); write its new address as url in [glpi]
told-glpi-none = what answers there is no GLPI 10 or later (answer { $status }: { $said }); correct url in [glpi], and switch inventory on in GLPI
told-glpi-server = it has a fault of its own (answer { $status }: { $said }); look into files/_log/php-errors.log on that server
told-glpi-busy = it is busy (answer { $status }: { $said }); it is asked again by itself
told-glpi-refused = it refuses this inventory ({ $said }); look at its import rules and at the equipment they refused
told-glpi-still = it was still at work after 12 questions; check that its automatic actions run, then send it again with `reprise host push`
told-glpi-password = read the password in { $path }: { $error }; write it on the first line of that file
told-glpi-certificates = use the certificates in { $path }: { $error }; correct ca_file in [glpi]
told-database-unsaved = save database { $name } of plan { $plan }: { $why }
told-database-alone = save plan { $plan }: database { $name }: { $why }
told-database-of-app = save database of { $app } in plan { $plan }: { $why }
told-nothing-of-it = nothing of it is saved
told-nothing-of-it-why = nothing of it is saved: { $why }
told-database-tool = find { $program }: the client programs of { $engine } are not on this box; run `apt-get install { $package }`
told-database-start = run { $program }: { $error }; check the memory and the processes of this box
told-database-password = read the password of { $thing } in { $file }: { $error }; write it on the first line of that file, readable by reprise only
told-database-login = keep the login of { $thing } for its client: { $error }; check the folder for temporary files ({ $folder })
told-database-unreachable = { $deed }: { $said }; check that the server runs, its address and port, and that it listens to this box
told-database-credentials = { $deed }: { $said }; check the user, from which host it may log in, and the password in database_password_file
told-database-no-such = { $deed }: { $said }; check the name of the database
told-database-denied = { $deed }: { $said }; give its user the rights that docs/databases.md lists
told-database-locked = { $deed }: { $said }; find who holds the lock (SHOW FULL PROCESSLIST, pg_stat_activity), end that session or wait for it, then run the plan again
told-database-altered = { $deed }: { $said }; an upgrade was probably at work; run the plan again when it is over
told-database-lost = { $deed }: { $said }; see the server's log (was it stopped, or short of memory?), then run the plan again
told-database-untrusted = { $deed }: { $said }; check that the file behind ?ca= holds the certificate of who signed the server's, and that the address names the server as its certificate does
told-database-old-client = { $deed }: { $said }; install the client programs of the server's version (mariadb-client, postgresql-client-NN)
told-database-refused = { $deed }: { $said }; correct that on the server, then run the plan again
told-database-silent = { $deed }: the server has said nothing for { $minutes } min; see what it is at (SHOW PROCESSLIST, pg_stat_activity), then run the plan again
told-database-short = dump { $thing }: { $got } rows came and the server counts { $counted } in the same instant; the dump is not whole and is not kept. Run the plan again; when it stays so, check the table (CHECK TABLE, amcheck)
told-database-strange = understand what { $program } answers about { $thing }: { $error }; tell the makers of Reprise the versions of client and server
told-database-empty = dump { $thing }: it holds no table; check the name of the database and the rights of its user
told-stopped = go on: stopped on request
told-manifest = read manifest.json of the dump: { $error }; prove or restore another restore point
told-part-emptied = save { $part } of plan { $plan }: { $thing }, and restore point { $point } of { $day } is the last that holds it; find out what emptied it, restore it from there, and keep that point meanwhile (`reprise vault hold`)
told-part-never = save { $part } of plan { $plan }: { $thing }, and no restore point holds it; correct the settings of the application, or is a disk not mounted?
told-rows-gone = find { $gone } of the { $then } rows of database { $name } of plan { $plan } that restore point { $point } of { $day } holds: they are gone; find out what removed them, and restore them from that point
told-files-gone = find { $gone } of the { $before } files of plan { $plan } that the restore point before holds: they are gone; find out what removed them, and restore them from that point
told-recipe-not-there = find { $title } in { $folder }: it has none of { $tried }; write in `folder` of the plan where it is installed
told-unreadable = read { $file }: { $error }; let reprise read it
told-not-plain = read { $file }: `{ $name }` is not plainly written there; write it as a text, or say it in the plan ({ $instead })
told-in-database = database { $name }, { $thing }: { $why }
told-of-database = database { $name }: { $why }
told-about = { $object }: { $what }
told-rows-missing = it is missing; { $rows } rows were saved
told-rows-none = { $rows } rows were saved, none came back
told-rows-some = { $rows } rows were saved, { $came } came back
told-rows-other = its { $rows } rows are not the ones that were saved
told-rows-more = it was not there when the dump was made; it came with { $rows } rows
told-others-some = { $rows } were saved, { $came } came back
told-check-table = CHECK TABLE says: { $said }
told-answers-few = the loaded copy gives { $got }, at least { $wanted } is expected; look whether the application was empty when it was saved
told-document-missing = the document of { $row }, { $path }, is not in this restore point; look whether it is still on the server
told-rights-lacking = the server does not show { $kinds } that { $user } has no right to, so this dump may lack some; run { $grant }
told-not-transactional = is saved, but not in the same instant as the others: { $engine } has no transactions; run { $alter }
told-past-rows = keeps the past of its rows (system versioning): the rows of now are saved, those of the past are not; dump them with mariadb-dump --dump-history if they matter
told-written-meanwhile = was written to while it was saved: { $rows } rows were counted, { $came } are in the dump; run ALTER TABLE … ENGINE=InnoDB
told-large-objects = { $count } large objects (pg_largeobject) are not in this dump; save them with `pg_dump --large-objects` to a folder of the plan, or move them to bytea columns
told-hidden-events = { $count } events are not in this dump: the server was started with event_scheduler=DISABLED and shows none; start that server with event_scheduler=OFF instead of DISABLED, which runs none either
told-unseen-events = whether it has events cannot be seen, and none is in this dump: the server was started with event_scheduler=DISABLED; start that server with event_scheduler=OFF instead of DISABLED, which runs none either, or GRANT SELECT ON mysql.event so that it can be seen that there are none
told-entry-gone = went away while the folder was being saved
told-entry-unread = cannot be read: { $error }
told-entry-missing = does not exist
told-entry-no-name = is not saved: its name is too long or not a name
told-entry-deep = is deeper than { $most } folders; it is not saved
told-entry-vault = is the vault itself; it is not saved into itself
told-entry-attributes = its attributes cannot be read: { $error }
told-entry-changed = changed while it was read; what was read is kept and may mix two states
told-entry-more = { $count } more problems
told-back-not = was not restored: { $error }
told-back-dressed = its owner, mode and times were not set: { $error }
told-back-deep = is too deep; it was not restored
told-back-folder = the folder was not restored, nor what it holds: { $error }
told-back-inside = what the folder holds was not restored: { $error }
told-seen-folder-not = the folder was not restored: { $error }
told-seen-not = was not restored
told-seen-unread = cannot be read back: { $error }
told-seen-attributes = its attributes cannot be read back: { $error }
told-seen-unknown = what it should hold is not known: { $error }
told-seen-unsaved = is there and was not saved
told-seen-mode = has mode { $now } instead of { $then }
told-seen-owner = belongs to { $now } instead of { $then }
told-seen-time = was changed at { $now } instead of { $then }
told-seen-attributes-other = has other extended attributes ({ $name })
told-seen-size = has { $now } bytes instead of { $then }
told-seen-content = has another content than what was read at backup time
told-seen-no-link = is no longer a hard link of the file it was linked to
told-seen-holes = takes the place of its holes ({ $sizes })
told-seen-others = there are more differences than these
told-deed-log-in = log in to { $thing }
told-deed-version = ask the version of { $thing }
told-deed-transaction = begin a transaction of { $thing }
told-deed-instant = fix the instant of { $thing }
told-deed-begin = begin { $thing }
told-deed-dump = dump { $thing }
told-deed-shape = dump the tables' shape of { $thing }
told-deed-count = count { $thing }
told-deed-read = read { $thing }
told-deed-locks = see who locks { $thing }
told-deed-sessions = see who is at { $thing }
told-deed-session = prepare a session with { $thing }
told-deed-make = make the database of { $thing }
told-deed-look = look for the new database on the server of { $thing }
told-deed-load = load the dump
told-thing-table = table { $name }
told-thing-database = database { $name }
told-thing-dump = the dump
told-thing-views = views
told-thing-triggers = triggers
told-thing-routines = routines
told-thing-events = events
told-thing-empty = { $path } is empty
told-thing-absent = { $path } is not there
told-thing-unreadable = { $path } could not be read
nav-databases = Databases
databases-lead = A proven copy of a database, open here to be read while its server is down. Nobody can write to it, and it closes by itself at its hour.
database-title = { $name }, of plan { $plan }
database-loading = being loaded
database-open = open, read-only
database-closed-time = closed, at its hour
database-closed-asked = closed on request
database-closed-stop = closed with the appliance
database-failed = not opened
database-engine = Engine
database-taken = State of
database-from = Copy on
database-until = Open until
database-address = Address
database-user = User
database-name = Database
database-password = Password
database-password-told = shown once already; close the database and open it again to have another
database-show-password = Show the password, once
database-close = Close now
database-open-title = Open a database read-only
database-none = No database was restored and opened by a proof yet: first prove a plan that has a database.
database-which = Database
database-choice = { $name } ({ $plan }, from { $target }, proven on { $date })
database-listen = Address and port
database-listen-hint = 127.0.0.1: from this box only. An address of the network makes it visible to every machine there, unencrypted; port 0 takes a free one.
database-hours = For
database-open-button = Open
database-choose = Choose a database of the list.
database-bad-address = Write an address and a port, for example 192.168.1.10:3307.
fact-database-opened = Database { $name } of plan { $plan } opened read-only at { $address } until { $date }, by { $by }
fact-database-closed = Database { $name } of plan { $plan } closed
fact-database-not-opened = Database { $name } of plan { $plan } not opened
work-open = Opening of database { $subject }
proof-database-answer = { $n ->
    [0] Asked of the database (“{ $question }”): { $found }
    [one] Asked of the database (“{ $question }”): { $found }; { $count } document found
   *[other] Asked of the database (“{ $question }”): { $found }; { $count } documents found
 }

# Boots of a machine
boots-title = Boots of { $name } from the network
boots-link = Its boots from the network
boots-none = This machine was never heard asking to boot from the network.
boots-why = What happened
boots-fix = What to do
boots-seen = What was seen
boots-also = It may also be
boots-pcap = Packets for Wireshark (pcap)
boots-flight = Power-on of { $date }
boots-took = { $time } in all
boots-omitted = { $n ->
    [one] { $count } more step is not listed
   *[other] { $count } more steps are not listed
}
boots-quiet = silence of { $time }
boots-times = { $times } times
boots-network = Heard on { $interface }
boot-certainty-seen = seen
boot-certainty-probable = probable
boot-certainty-possible = possible
boot-program-bios = BIOS firmware
boot-program-uefi = UEFI firmware
boot-program-uefi-http = UEFI HTTP Boot
boot-program-ipxe = iPXE
boot-program-unsupported = a firmware we have no loader for
boot-program-ordinary = its operating system
boot-step-discover = The machine asks who can boot it ({ $program })
boot-step-request = The machine takes the address of { $server }
boot-step-request-any = The machine takes an address
boot-step-request-4011 = The machine asks for its loader (port 4011)
boot-step-other = The machine sends another DHCP message
boot-step-relayed = through the relay { $relay }
boot-step-six = over IPv6
boot-step-secs = it has been asking for { $secs } s
boot-step-offered = We offer to boot it
boot-step-offered-file = We offer { $file }
boot-step-acked = We answer on port 4011: { $file }
boot-step-silent = We stay silent: { $why }
boot-step-refused = We refuse the address that it asks for
boot-step-not-sent = Our answer could not be sent: { $error }
boot-step-file-asked = It asks for { $file } ({ $by })
boot-step-file-length = It asks how long { $file } is ({ $by })
boot-step-file-refused = { $file } is refused: { $why }
boot-step-file-sent = { $file } arrived: { $size } in { $time }
boot-step-file-probed = It only asked how long { $file } is
boot-step-file-cut = { $file } broke off after { $bytes } of { $of }
boot-step-file-cut-why = { $file } broke off after { $bytes } of { $of }: { $why }
boot-step-reported = The agent on it reports
boot-step-heard-address = { $server } offers it the address { $address }
boot-step-heard-boot = { $server } offers to boot it
boot-step-heard-both = { $server } offers it the address { $address } and to boot it
boot-step-heard-other = { $server } answers it
boot-step-stopped = A packet for port { $port } came to this appliance and was stopped before its server
boot-step-looked = The machine looks for this appliance on the network (ARP)
boot-why-nothing_to_do = nothing is to be done on this machine
boot-why-not_approved = nobody approved it in time
boot-why-never_reported = it never managed to start the agent
boot-why-rule = a rule leaves it alone
boot-why-unsupported = there is no loader for its architecture
boot-why-no_assets = the boot files are not there
boot-why-no_tftp = the TFTP server does not run
boot-why-no_http = the HTTP boot server does not run
boot-why-relayed = it asks through a relay
boot-why-not_for_a_proxy = that message is for the server that gives addresses
boot-why-other_server = it chose another server
boot-why-not_booting = it does not want to boot
boot-why-no_address = it has no address yet
boot-why-no_subnet = no [[dhcp_subnet]] holds its network
boot-why-no_address_left = no address is left for it
boot-why-not_its_address = the address it names is not one it may have
boot-why-missing = there is no such file
boot-cause-booted = The machine booted: its agent reported.
boot-fix-booted = Nothing.
boot-cause-going = It is booting now.
boot-fix-going = Wait a moment; this page follows.
boot-cause-on-purpose = It was left alone on purpose: { $why }.
boot-fix-on-purpose = If it is to boot from the network all the same, let it be asked again on its page, or open a deployment; then start it from the network once more.
boot-cause-not-ready = This appliance cannot boot anything now: { $why }.
boot-fix-not-ready = Run `reprise boot assets build`, and read the troubles on the home page.
boot-cause-wrong-architecture = Its firmware is of an architecture without a loader here (number { $arch }).
boot-fix-wrong-architecture = Only PCs with x86-64 processors are served. If this is one, choose UEFI with 64 bits in its firmware instead of 32 bits or EBC; otherwise use its maker's own medium.
boot-cause-missing-file = It asked for { $file }, which is not there.
boot-fix-missing-file = Run `reprise boot assets build`; if the file is one of your own, put it where the boot menu names it.
boot-cause-agent-silent = The kernel and the initramfs arrived, and the agent never reported.
boot-fix-agent-silent = Look at its screen: a message about the network card means a missing driver; nothing at all, a firewall between it and the port of this console. Also look whether its network cable leads to the same network as before the kernel started (USB adapters, docks).
boot-cause-secure-boot = Secure Boot refused { $file }: the loader arrived whole and never ran.
boot-fix-secure-boot = Keep it on: choose UEFI HTTP Boot in its boot menu instead of PXE, or start it from a stick of “reprise boot stick”; both are signed. Without either, switch Secure Boot off in its firmware (F2, F10 or Del at power-on; Security or Boot → Secure Boot → Disabled), and on again after the deployment.
boot-cause-third-party-ca = Its firmware refused the signed loader { $file }: it does not trust Microsoft's authority for other systems.
boot-fix-third-party-ca = In its firmware: Lenovo, Security → Secure Boot → Allow Microsoft 3rd Party UEFI CA → On; Dell, Secure Boot → Enable Microsoft UEFI CA; HP, Secure Boot Configuration → Enable MS UEFI CA key; Surface, Secure Boot → Microsoft & 3rd party CA.
boot-cause-loader-did-not-start = { $file } arrived whole and did not start.
boot-fix-loader-did-not-start = Update its firmware; if it has both, try the other way to boot (UEFI instead of BIOS, HTTP Boot instead of PXE).
boot-cause-transfer-cut = { $file } broke off after { $bytes } of { $of }.
boot-fix-transfer-cut = Look at its cable and its switch port (errors, 100 Mbit/s half duplex); if it breaks off at the same place each time, look for a tunnel or VPN that makes packets smaller on the way (MTU).
boot-cause-tftp-data-blocked = It asks for files by TFTP, and not one block reaches it.
boot-fix-tftp-data-blocked = TFTP answers from another port than 69: let UDP from this appliance to the machine pass on every port, in the firewall between the two, or switch on its TFTP helper.
boot-cause-tftp-blocked = It knows where its loader is, and never asks for it: UDP port 69 is probably blocked on the way.
boot-fix-tftp-blocked = Open UDP port 69 from the machine to this appliance in the firewalls between the two.
boot-cause-http-blocked = It knows where its files are, and never asks for them: the port of HTTP boot is probably blocked on the way.
boot-fix-http-blocked = Open the TCP port of HTTP boot (8067 unless you chose another) from the machine to this appliance in the firewalls between the two.
boot-cause-own-firewall = This appliance's own firewall stops what the machine sends to port { $port }.
boot-fix-own-firewall = Open UDP ports 67, 69 and 4011 on this box (nft list ruleset, ufw status or firewall-cmd --list-all shows who closes them), and the TCP port of HTTP boot.
boot-cause-port-4011 = It took an address, and never asked this appliance for its loader: UDP port 4011 is probably blocked on the way.
boot-fix-port-4011 = Open UDP ports 4011 and 69 from the machine to this appliance in the firewalls and switch rules between the two.
boot-cause-answers-lost = It asks this appliance again and again, and our answers do not reach it.
boot-fix-answers-lost = Let UDP from port 4011 of this appliance to the machine pass, in the firewalls and switch rules between the two.
boot-cause-option-60 = The DHCP server { $server } says that it boots PCs (option 60), and names no boot file: the machine asks it, in vain.
boot-fix-option-60 = Remove option 60 (“PXEClient”) from the configuration of { $server }; on Windows Server: DHCP → IPv4 → Server Options and Scope Options → 060 PXEClient. Options 66 and 67 are not needed either.
boot-cause-foreign-proxy = Another boot server answered: { $server }.
boot-fix-foreign-proxy = Switch off PXE answers on { $server } (WDS, SCCM, FOG, options 66 and 67 of a router or DHCP server), or boot this machine with it.
boot-cause-another-reprise = Another Reprise answered: { $server }.
boot-fix-another-reprise = Set dhcp = "off" for this network on one of the two.
boot-cause-two-servers = Several DHCP servers answer it: { $servers }. Which one it takes changes from day to day.
boot-fix-two-servers = Switch one of them off. The one that was forgotten is often a Wi-Fi box, a NAS or a test server; its MAC address in the switch's table tells its port.
boot-cause-other-subnet = { $server } gave it the address { $address }, which is not of this appliance's network.
boot-fix-other-subnet = Two networks share this cable: put its switch port into the right VLAN, or let the router pass UDP 67, 69 and 4011 between the two.
boot-cause-no-address-server = Nobody gives it an address: no DHCP server was heard.
boot-fix-no-address-server = Look whether the DHCP server (often the provider's box) runs and has free addresses, and whether the switch port is in its VLAN.
boot-cause-no-subnet = This appliance gives the addresses, and none of its network: the address of the interface is of no [[dhcp_subnet]].
boot-fix-no-subnet = Add a [[dhcp_subnet]] that holds the interface's address, or correct that address.
boot-cause-no-subnet-behind-relay = It asks through the relay { $relay }, whose network no [[dhcp_subnet]] of this appliance holds.
boot-fix-no-subnet-behind-relay = Add a [[dhcp_subnet]] for the network behind { $relay }, or take this appliance out of that relay's list of servers.
boot-cause-no-address-left = This appliance gives the addresses, and none was left for it.
boot-fix-no-address-left = Enlarge `ranges` in its [[dhcp_subnet]] or shorten `lease`; `reprise dhcp leases` shows who has them. Approving the machine, or a reservation, keeps a place for it.
boot-cause-address-refused = It goes on asking for an address that is another machine's, or none of those given here.
boot-fix-address-refused = Switch it off and on, so that it asks for a new one. If it comes back: `reprise dhcp leases` shows who has the address; a fixed address in its firmware has to go.
boot-cause-asked-without-address = It asked port 4011 without saying which address to answer to.
boot-fix-asked-without-address = Update its firmware. Where this appliance gives the addresses itself (`dhcp = "server"`), no second question is needed.
boot-cause-snooping = Our offers probably do not reach it: the switch may throw away DHCP answers from this appliance's port (DHCP snooping).
boot-fix-snooping = Make the switch port of this appliance a trusted port. Cisco: ip dhcp snooping trust on the interface; HPE and Aruba: dhcp-snooping trust; Netgear and TP-Link: DHCP Snooping → Trusted Port.
boot-cause-firmware-gave-up = Its firmware heard the offers and followed none; other machines do.
boot-fix-firmware-gave-up = Start it once more and choose its network card in the boot menu (F12, F9 or Esc); try the other entry of the two (IPv4 PXE, HTTP Boot); update its firmware.
boot-cause-guest-isolation = Its broadcasts arrive and nothing else does: it is probably on a guest network, or the box keeps its clients apart.
boot-fix-guest-isolation = Plug it into a port of the office's network; on the provider's box or access point, switch off the isolation of clients (also called AP isolation or private VLAN).
boot-cause-port-fast = Its first questions were lost: the switch port probably starts to forward only half a minute after the cable is live (spanning tree).
boot-fix-port-fast = Switch on fast start for that port. Cisco: spanning-tree portfast; HPE and Aruba: spanning-tree port admin-edge-port; Netgear and TP-Link: STP → Fast Link or Edge Port. Or start it once more without switching it off.
boot-cause-dot1x = The switch asks who is there (802.1X), and a firmware has no account to answer with.
boot-fix-dot1x = Put that port into a deployment VLAN without 802.1X, allow its MAC address (MAB), or start it from a boot stick.
boot-cause-nothing-heard = Nobody at all is heard on this network.
boot-fix-nothing-heard = Look at this appliance's own cable and VLAN, and whether interface in the configuration names the right card.
boot-cause-network-stack-off = Its system is heard on the network, its firmware never asked to boot from it.
boot-fix-network-stack-off = In its firmware, switch on the network stack (UEFI Network Stack, PXE Boot to LAN, Onboard LAN Option ROM) and choose the network card once in the boot menu (F12, F9 or Esc).
boot-cause-never-asked = This machine was never heard; others are.
boot-fix-never-asked = Choose its network card in the boot menu at power-on. If its screen shows “Start PXE over IPv4” all the same, its cable or its VLAN leads elsewhere.
boot-cause-unknown = What was seen fits no known cause.
boot-fix-unknown = Look at its screen at the last step of the list below, and at the packets in Wireshark.
boot-seen-asked = It asked { $value } times.
boot-seen-never-asked = No question of its firmware was heard.
boot-seen-offered = We offered { $value } times.
boot-seen-took = It took the address of { $value }.
boot-seen-took-none = It took no offer, from nobody.
boot-seen-heard = An offer of { $value } was heard.
boot-seen-heard-nobody = No offer of any other server was heard.
boot-seen-no-4011 = No question came to port 4011.
boot-seen-asked-4011 = It asked port 4011 { $value } times, and was answered.
boot-seen-whole = { $value } arrived whole.
boot-seen-silent-for = Nothing came for { $value } s.
boot-seen-next-entry = Its firmware went on to the next way to boot.
boot-seen-secure-boot-on = Secure Boot was on when its agent last ran.
boot-seen-first-secs = Its first question that arrived was not its first: it had been asking for { $value } s.
boot-seen-spanning-tree = The switch takes part in spanning tree on this appliance's port.
boot-seen-dot1x = The switch asks this appliance's own port for an account (802.1X).
boot-seen-looked-for-us = It looked for this appliance (ARP) and sent nothing after it.
boot-seen-others-followed = Other machines follow our offers here.
boot-seen-nobody-followed = No machine followed our offers here in the last week.
boot-seen-system-asked = Its operating system asked for an address on this network.
boot-seen-at-card = The packet for port { $value } came to the network card.
fact-boots-fail = { $name } failed { $times } times in a row to boot from the network: { $cause }
told-two-dhcp = two DHCP servers answer the same PC on { $interface }: { $one } and { $other }; switch one of them off, a PC takes whichever is faster
told-gives-too = another DHCP server, { $server }, gives addresses on { $interface } too; switch it off, or set `dhcp = "proxy"` for { $same } here if it is the one that is meant to
told-option-60 = the DHCP server { $server } on { $interface } says it boots PCs (option 60 "PXEClient") and names no boot file; remove option 60 from its configuration, UEFI PCs ask it instead of this appliance
told-foreign-proxy = another boot server, { $server }, answers PCs on { $interface } (WDS, FOG, SCCM …); switch its PXE answers off, or set `dhcp = "off"` for { $same } here
told-another-reprise = another Reprise, { $server }, answers PCs on { $interface }; set `dhcp = "off"` for that network on one of the two
told-deaf = other servers on { $interface } cannot be heard ({ $error }); give reprise the capability CAP_NET_RAW, until then the causes of failed boots are guessed with less
boot-kind-not-ready = this appliance has nothing to boot it with
boot-kind-wrong-architecture = no loader for its architecture
boot-kind-missing-file = a missing file
boot-kind-agent-silent = the agent never reports
boot-kind-secure-boot = Secure Boot, probably
boot-kind-third-party-ca = a signed loader that its firmware does not trust, probably
boot-kind-loader-did-not-start = the loader does not start
boot-kind-transfer-cut = transfers that break off
boot-kind-tftp-data-blocked = TFTP blocked on the way back, probably
boot-kind-tftp-blocked = UDP port 69 blocked, probably
boot-kind-http-blocked = the port of HTTP boot blocked, probably
boot-kind-own-firewall = this appliance's own firewall
boot-kind-port-4011 = UDP port 4011 blocked, probably
boot-kind-answers-lost = answers from port 4011 that do not arrive
boot-kind-option-60 = option 60 of the DHCP server
boot-kind-foreign-proxy = another boot server
boot-kind-another-reprise = another Reprise
boot-kind-two-servers = several DHCP servers
boot-kind-other-subnet = an address of another network
boot-kind-no-address-server = no DHCP server
boot-kind-no-subnet = no [[dhcp_subnet]] for its network
boot-kind-no-subnet-behind-relay = a relay whose network no [[dhcp_subnet]] holds
boot-kind-no-address-left = no address was left
boot-kind-address-refused = an address it may not have
boot-kind-asked-without-address = no address to answer to on port 4011
boot-kind-snooping = DHCP snooping of the switch, probably
boot-kind-firmware-gave-up = its firmware follows no offer
boot-kind-guest-isolation = a guest network, probably
boot-kind-port-fast = a switch port that forwards late, probably
boot-kind-dot1x = 802.1X
boot-kind-nothing-heard = nobody is heard on the network
boot-kind-network-stack-off = the network stack of its firmware is off, probably
boot-kind-never-asked = it never asked
boot-kind-unknown = no known cause
boot-why-aborted = it ended the transfer itself ({ $error })
boot-why-unanswered = it never answered
boot-why-stopped_answering = it stopped answering
boot-why-unreachable = it closed its port
boot-why-asked_again = it asked again
boot-why-crowded = too many transfers at once
boot-why-server_stopped = this appliance's server was stopped
boot-why-bad_relay = the address of its relay is none that a relay can have
fact-address-in-use = Address { $address } is used by network card { $mac }, which did not get it from this box: nobody else is given it for a while
fact-address-in-use-unknown = Address { $address } is used by a machine behind a router, which did not get it from this box: nobody else is given it for a while
fact-address-declined = { $by } found the address it was given, { $address }, in use by { $mac }: nobody is given it for a day
fact-address-declined-unknown = { $by } found the address it was given, { $address }, in use by somebody: nobody is given it for a while
fact-leases-damaged = { $n ->
    [one] One line of the file of leases was damaged or missing and is left out; every address is asked for on the network before it is given
   *[other] { $count } lines of the file of leases were damaged or missing and are left out; every address is asked for on the network before it is given
 }
fact-address-released = Address { $address } was given back by { $by }
fact-packet-ignored = A DHCP packet from { $sender } on { $interface } was not answered: { $why }. If it goes on, find its switch port by that card, and its software
boot-why-short = it is shorter than a DHCP message
boot-why-not_a_request = it is an answer, and none was asked for
boot-why-not_ethernet = it is not from an Ethernet card
boot-why-bad_mac = the hardware address in it is none that a card has
boot-why-not_dhcp = it has no DHCP options (BOOTP)
boot-why-truncated = an option in it runs past its end
boot-why-no_type = it does not say what it wants (no message type)
boot-why-too_many_relays = it came through more than eight relays
boot-why-nothing_relayed = a relay sent nothing in it
boot-why-bad_client = its client identifier is none
told-leases-unwritten = leases cannot be written ({ $error }), so no address is given; make room on the disk of the state folder, or look at it with `dmesg`
told-no-address-left = no address of { $subnet } is left for new machines, all { $total } are given; those that have one keep it. Enlarge `ranges` in its [[dhcp_subnet]] or shorten `lease`; if unknown cards took them all at once, `reprise dhcp leases` names them: find their switch port
told-no-subnet = interface { $interface } has the address { $address }, which no [[dhcp_subnet]] holds: machines on its own wire get none; add a subnet, or correct the address
told-strange-relays = machines behind { $relays } ask { $interface } for addresses through a relay and get none: no [[dhcp_subnet]] holds that network; add one for it, or take this box out of the relay's list of servers
told-addresses-unasked = it cannot be asked on { $interface } whether an address is in use ({ $error }); give reprise the capability CAP_NET_RAW, until then addresses are given unasked
