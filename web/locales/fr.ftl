# Tout ce que la console dit en français. Écrire avec des espaces ordinaires : la typographie
# (espaces insécables, apostrophes) est faite au chargement. Mêmes clés que en.ftl, un test y veille.
skip = Aller au contenu
nav-label = Pages
nav-home = Accueil
nav-plans = Plans
nav-snapshots = Points de restauration
nav-hosts = Postes
nav-images = Images
nav-journal = Journal
language = Langue
log-out = Se déconnecter
offline = Connexion avec le boîtier perdue ; nouvel essai en cours…
never = jamais
cancel = Annuler
since = depuis le { $date }
the-appliance = le boîtier
close-tab = Vous pouvez fermer cette page : le travail continue dans le boîtier.
failed-to = Ce qui s'est passé

ago-now = à l'instant
ago-minutes = { $n ->
    [one] il y a { $count } minute
   *[other] il y a { $count } minutes
 }
ago-hours = { $n ->
    [one] il y a { $count } heure
   *[other] il y a { $count } heures
 }
ago-days = { $n ->
    [one] il y a { $count } jour
   *[other] il y a { $count } jours
 }

login-title = Ouvrir la console
login-user = Nom
login-password = Mot de passe
login-button = Entrer
login-hint = Au premier démarrage, le mot de passe provisoire est affiché là où le boîtier a été lancé. Perdu : « reprise user password admin » en donne un autre.
login-wrong = Ce nom et ce mot de passe ne vont pas ensemble.
login-wait = Trop d'essais : attendez { $wait }, puis recommencez.

password-title = Choisir un mot de passe
password-first = Le mot de passe provisoire vient de servir : il ne vaut plus rien. Choisissez le vôtre maintenant.
password-old = Mot de passe actuel
password-new = Nouveau mot de passe
password-repeated = Le même, encore une fois
password-button = Garder ce mot de passe
password-length = De { $shortest } à 200 caractères. Une phrase convient très bien.
password-differs = Les deux saisies diffèrent ; recommencez.
password-old-wrong = Le mot de passe actuel n'est pas celui-là.

error-not-found = Introuvable
error-invalid = Demande incomplète
error-refused = Ce n'est pas possible maintenant
error-forged = Cette demande ne vient pas d'une page de cette console ; rechargez la page et recommencez
error-not-logged-in = Il faut d'abord se connecter
error-must-change = Il faut d'abord remplacer le mot de passe provisoire
error-too-many = Trop de demandes à la fois ; recommencez dans un moment
error-inside = Quelque chose a cassé dans le boîtier
error-id = Référence pour le journal technique : { $id }
error-home = Retour à l'accueil

home-nothing-saved = Rien n'est encore sauvé ; rien n'est protégé.
home-none-dies = 0 de vos services sont protégés ; cette copie disparaît avec ce boîtier.
home-none = 0 de vos services sont protégés.
home-lags = Mais la copie de { $plan } sur { $target } est trop ancienne : elle date du { $date }.
home-lags-none = Mais { $plan } n'a jamais été sauvé sur { $target }.
home-lag = { $n ->
    [one] Mais { $count } copie est trop ancienne.
   *[other] Mais { $count } copies sont trop anciennes.
 }
copy-in-time = à l'heure
copy-late = en retard
copy-none = jamais sauvé
targets-title = Les places des copies
targets-lead = Où sont les copies, quel âge elles ont, et quel disque est branché. Un coffre qui n'est plus celui d'hier est refusé : rien n'y est écrit avant que vous l'ayez voulu.
place-same-disk = disparaît avec ce boîtier : même disque
place-other-disk = disparaît avec ce boîtier : autre disque
place-elsewhere = hors de ce boîtier
disk-away = disque retiré
disk-unusable = branché, mais ne s'ouvre pas
disk-there = disque { $vault } branché
disk-expected = attendu tous les { $every }
target-refused = Le coffre qui se trouve là n'est pas celui d'hier. Remettez le bon disque ou le bon partage ; ou, si c'est voulu, dites-le. Tant que rien n'est dit, rien n'y est écrit.
target-accept = C'est voulu : utiliser ce coffre pour { $target }
target-never = Rien n'y a encore été sauvé.
target-vault = Coffre
target-here = c'est celui qui est là
target-seen = Vu là
home-some = { $n ->
    [one] { $count } de vos { $total } services est protégé.
   *[other] { $count } de vos { $total } services sont protégés.
 }
home-all = { $n ->
    [one] Votre service est protégé.
   *[other] Vos { $count } services sont protégés.
 }
home-troubles = À traiter
home-waiting = { $n ->
    [one] { $count } poste attend une approbation
   *[other] { $count } postes attendent une approbation
 }
home-going-on = En ce moment
home-services = Vos services
home-no-plan = Aucun service n'est confié à ce boîtier. Ajoutez un plan dans reprise.toml, puis relancez :
home-own = Le boîtier lui-même
home-latest = Dernières nouvelles
home-whole-journal = Tout le journal
last-saved = Sauvé
last-proven = Restauré pour de vrai
run-now = Sauver { $plan } maintenant
see-proof = Voir la preuve
own-proof = { $n ->
    [one] { $count } fichier ({ $bytes }) restauré et comparé en { $took }, sans différence.
   *[other] { $count } fichiers ({ $bytes }) restaurés et comparés en { $took }, sans différence.
 }

verdict-never-saved = jamais sauvé
verdict-failing = non protégé
verdict-untested = sauvé, jamais essayé
verdict-stale = sauvé, preuve trop ancienne
verdict-proven = restauré pour de vrai, non protégé
verdict-protected = protégé

reason-never-saved = Jamais sauvé sur { $target }.
reason-run-failed = La dernière sauvegarde sur { $target } n'a pas abouti : { $detail }
reason-saved-too-old = La copie sur { $target } date du { $date } : plus de { $limit }.
reason-problems = { $n ->
    [one] { $count } élément n'a pas pu être sauvé sur { $target }.
   *[other] { $count } éléments n'ont pas pu être sauvés sur { $target }.
 }
reason-incomplete = Il manque un dossier entier à la copie sur { $target } : { $detail }
reason-never-restored = La copie sur { $target } n'a jamais été restaurée pour de vrai.
reason-proof-failed = La dernière restauration d'essai depuis { $target } a échoué : { $detail }
reason-proof-too-old = La dernière restauration d'essai depuis { $target } date du { $date } : plus de { $limit }.
reason-shares-disk = La copie sur { $target } est sur le même disque, ou sur le même NAS, que les fichiers qu'elle protège : une seule panne emporte les deux.
reason-dies = La copie sur { $target } disparaît avec ce boîtier : il en faut une ailleurs.
reason-key = Les mots de secours du coffre { $target } n'ont pas été ressaisis depuis le papier : personne n'a montré qu'il s'ouvrirait sans ce boîtier.

reason-key-link = Faire la feuille et les ressaisir

outcome-done = terminé
outcome-problems = terminé, avec des problèmes
outcome-failed = échoué
outcome-cancelled = annulé
outcome-interrupted = interrompu par un arrêt du boîtier
outcome-running = en cours
outcome-queued = attend son tour

work-run = Sauvegarde : { $subject }
work-proof = Restauration d'essai : { $subject }
work-restore = Restauration : { $subject }
work-session = Disque de { $subject }
work-import = Import d'image : { $subject }
work-tidy = Place à libérer sur { $subject }
work-of = { $done } sur { $total }
work-left = encore { $left }
step-queued = attend son tour
step-scan = parcourt
step-store = range
step-restore = restaure
step-load = chargement
step-compare = compare
step-check = vérifie
step-read = lit
step-write = écrit
step-verify = relit
step-wait = attend

fact-appliance-started = Le boîtier a démarré (version { $version })
fact-appliance-stopped = Le boîtier s'est arrêté
fact-trouble = Ennui : { $object }
fact-trouble-over = Réglé : { $object }
fact-run-started = Sauvegarde commencée : { $plan } vers { $target }
fact-run-finished = { $n ->
    [0] Sauvegarde : { $plan } vers { $target }, { $outcome } ({ $read } en tout, { $stored } ajoutés, { $took })
    [one] Sauvegarde : { $plan } vers { $target }, { $outcome }, { $count } problème ({ $read } en tout, { $stored } ajoutés, { $took })
   *[other] Sauvegarde : { $plan } vers { $target }, { $outcome }, { $count } problèmes ({ $read } en tout, { $stored } ajoutés, { $took })
 }
fact-proof-passed = { $n ->
    [one] { $plan } restauré pour de vrai depuis { $target } : { $count } fichier, { $bytes }, point { $snapshot }, sans différence ({ $took })
   *[other] { $plan } restauré pour de vrai depuis { $target } : { $count } fichiers, { $bytes }, point { $snapshot }, sans différence ({ $took })
 }
fact-proof-failed = { $n ->
    [one] Restauration d'essai échouée : { $plan } depuis { $target }, { $count } fichier, { $bytes }, point { $snapshot } ({ $took })
   *[other] Restauration d'essai échouée : { $plan } depuis { $target }, { $count } fichiers, { $bytes }, point { $snapshot } ({ $took })
 }
fact-restored = { $n ->
    [one] Restauration du point { $snapshot } vers { $destination } par { $by } : { $outcome } ({ $count } fichier, { $bytes }, { $took })
   *[other] Restauration du point { $snapshot } vers { $destination } par { $by } : { $outcome } ({ $count } fichiers, { $bytes }, { $took })
 }
fact-downloaded = { $by } a téléchargé { $path } du point { $snapshot }
fact-image-imported = Image { $name } importée ({ $bytes })
fact-snapshots-forgotten = { $n ->
    [one] { $count } point de { $plan } oublié sur { $target }, selon la règle du plan
   *[other] { $count } points de { $plan } oubliés sur { $target }, selon la règle du plan
 }
fact-recovered = Ce boîtier a été récupéré sur une machine nue depuis sa copie du { $taken } sur { $target }, en { $took }
fact-state-put-back = La mémoire du boîtier a été remise à la copie du { $taken }, gardée avant une mise à jour ; ce qu’il a appris depuis est mis de côté
fact-pruned = Place libérée sur { $target } : { $freed } ({ $took })
fact-host-seen = Un poste inconnu ({ $mac }) a demandé à démarrer par le réseau
fact-hosts-imported = { $n ->
    [one] { $count } poste importé d'une liste par { $by }
   *[other] { $count } postes importés d'une liste par { $by }
 }
fact-host-reported = Le poste { $name } attend une approbation
fact-host-approved = Poste approuvé par { $by }
fact-host-named = { $before } s'appelle désormais { $name } (par { $by })
fact-host-detailed = Ce qui est noté de { $name } a changé (par { $by })
fact-next-boot-asked = { $name } démarrera « { $entry } » la prochaine fois, une seule, à la demande de { $by }
fact-menu-opened = Le menu de { $name } a été ouvert avec le mot de passe, par quelqu'un qui se dit « { $who } »
fact-menu-refused = Mot de passe faux pour le menu de { $name }, tapé par quelqu'un qui se dit « { $who } »
fact-next-boot-given = { $name } a reçu « { $entry } » ; ensuite il démarre comme d'habitude
fact-adapter-shared = La carte réseau { $mac } de { $other } a aussi servi à { $name } : une station d'accueil ou un adaptateur qui circule
fact-host-doubled = { $name } annonce le numéro de série ou l'UUID de { $other } alors que les deux fonctionnent : deux machines, gardées séparées
fact-host-forgotten = Poste oublié par { $by }
fact-session-opened = Déploiement sur le disque { $disk } ouvert par { $by }
fact-capture-opened = Le disque { $disk } de { $name } va devenir l'image { $image }, demandé par { $by }
fact-wipe-opened = Le disque { $disk } de { $name } va être effacé, confirmé par { $by }
fact-disk-wiped = Le disque { $disk } (n° de série { $serial }) de { $name } est effacé, comme { $by } l'a confirmé
wiped = { $written } écrasés par des zéros, { $checked } relus et trouvés à zéro, en { $took }
wiped-and-freed = { $written } écrasés par des zéros et libérés, { $checked } relus et trouvés à zéro, en { $took }
fact-session-advanced = Session : { $step }
fact-logged-in = { $user } s'est connecté à la console
fact-log-in-refused = Connexion refusée pour { $user }
fact-password-changed = Mot de passe de { $user } changé
fact-key-confirmed = Le mot de passe du coffre { $target } a été ressaisi par { $by }
fact-paper-made = Une feuille de secours du coffre { $target } a été faite par { $by }
fact-words-confirmed = Les mots de secours du coffre { $target } ont été ressaisis depuis le papier par { $by }
fact-vault-accepted = Le coffre qui se trouve sur { $target } est le bon, dit { $by }
fact-disk-came = Disque { $vault } branché sur { $target }
fact-disk-went = Disque { $vault } retiré de { $target }

session-opened = attend le poste
session-confirming = annoncé sur l'écran du poste
session-reading = lecture du disque
session-writing = écrit le disque
session-verifying = relit le disque
session-done = terminé
session-failed = échoué
session-cancelled = annulé
session-expired = délai dépassé

journal-title = Journal
journal-lead = Tout ce qui s'est passé, le plus récent d'abord. Rien n'en est jamais effacé.
journal-empty = Il ne s'est encore rien passé.
journal-older = Plus ancien

col-when = Quand
col-plan = Plan
col-target = Cible
col-outcome = Résultat
col-added = Ajouté
col-took = Durée
col-files = Fichiers
col-size = Taille
col-host = Poste
col-name = Nom
col-modified = Modifié
col-actions = Actions
col-state = État
col-image = Image
form-stale = Cette page est trop ancienne ; rechargez-la et recommencez

plans-lead = Ce qui est sauvé, où, à quelle heure, et la preuve que cela revient. Les plans s'écrivent dans reprise.toml.
plan-daily = tous les jours à { $at }
plan-by-hand = à la main seulement
plan-prove-every = restauration d'essai tous les { $every }
plan-prove-each = restauration d'essai après chaque sauvegarde
plan-files = Dossiers
plan-when = Quand
plan-proof = Preuve
plan-targets = Cibles
plan-rpo = Perte de données acceptée (PDMA)
plan-rto = Délai de reprise visé (RTO)
plan-tier = Rang de reprise
prove-now = Essayer de restaurer { $plan } depuis { $target }
own-plan = L'état, la configuration et les certificats du boîtier sont sauvés au premier démarrage puis chaque jour, restaurés à part et comparés.
run-own-now = Sauver le boîtier maintenant
prove-own-now = Essayer de restaurer le boîtier depuis { $target }
runs-title = Dernières sauvegardes
runs-empty = Aucune sauvegarde n'a encore eu lieu.
run-title = Sauvegarde : { $plan } vers { $target }
run-problems = { $n ->
    [one] { $count } élément n'a pas pu être sauvé
   *[other] { $count } éléments n'ont pas pu être sauvés
 }
run-cancel = Arrêter cette sauvegarde
run-began = Début
run-ended = Fin
run-by = Demandé par
by-schedule = l'horaire du plan
run-files = Contenu
run-added = Ajouté au coffre
browse-snapshot = Parcourir ce point de restauration
no-such-run = la sauvegarde { $id }
no-such-proof = la preuve { $id }
no-such-restore = la restauration { $id }

proofs-title = Preuves de restauration
proofs-lead = Chaque ligne est une restauration d'essai, faite par le même chemin qu'une vraie, puis comparée à ce qui avait été lu.
proofs-empty = Aucune restauration d'essai n'a encore eu lieu.
proof-title = Preuve : { $plan } depuis { $target }
proof-restored = restauré pour de vrai
proof-loaded = base restaurée et ouverte
proof-database = Base { $name }
proof-database-rows = { $n ->
    [one] { $tables } tables, { $count } ligne ({ $bytes }) en { $took }
   *[other] { $tables } tables, { $count } lignes ({ $bytes }) en { $took }
 }
proof-database-engines = { $engine } : sauvée depuis la version { $saved }, ouverte dans la version { $loaded }
proof-database-taken = État de la base
proof-database-checked = Tables et index vérifiés par le serveur lui-même.
proof-database-unchecked = Tables et index non vérifiés par le serveur : son outil de vérification n'est pas installé.
proof-database-open = Le serveur d'essai n'a pas pu être coupé du réseau : ce système ne le permet pas.
proof-scrubbed = relu en entier
proof-listed = complet, non relu
proof-failed = échec
proof-empty = Ce point de restauration est vide : il n'y avait rien à comparer.
proof-when = Essayé
proof-saved = Sauvé
proof-compared = Comparé
proof-restore-took = Durée de la restauration
proof-compare-took = Durée de la comparaison
proof-journal = Base de données
proof-journal-head = rouverte ; son journal s'arrête au fait n° { $head }
proof-level = Niveau
proof-listing = Empreinte de la liste
proof-differences = { $n ->
    [one] { $count } différence
   *[other] { $count } différences
 }
proof-not = Ce que cette preuve ne montre pas
proof-sample = Quelques fichiers comparés
not-proven-application = Que l'application démarre avec ces fichiers.
not-proven-machine = Qu'une machine complète redémarre.
not-proven-elsewhere = Qu'une copie existe hors de ce boîtier.
not-proven-content = Que chaque octet a été relu.
not-proven-restore = Que les fichiers reviennent à leur place.

snapshots-lead = Chaque point est l'état complet d'un plan à un moment donné. Parcourez-le, prenez un fichier, ou remettez tout en place.
snapshots-on = Sur { $target }
snapshots-empty = Aucun point de restauration.
snapshots-older = { $n ->
    [one] { $count } point plus ancien n'est pas affiché ; « reprise snapshot list » les montre tous.
   *[other] { $count } points plus anciens ne sont pas affichés ; « reprise snapshot list » les montre tous.
 }
snapshot-title = { $plan }, { $date }
snapshot-lead = { $files } fichiers, { $bytes }
crumbs = Chemin
crumb-top = Point de restauration
kind-file = fichier
kind-folder = dossier
kind-link = lien
kind-pipe = tube ou prise
kind-device = périphérique
restore-here = Restaurer ce dossier
restore-one = restaurer
zip-here = Télécharger en zip
folder-empty = Ce dossier est vide.
folder-more = Suite du dossier

restore-title = Restaurer { $plan }, { $date }
restore-everything = Tout le point de restauration
restore-where = Où remettre ces fichiers ?
restore-machine = Machine
restore-this-box = ce boîtier
restore-into-folder = Dans un dossier
restore-folder = Dossier
restore-folder-hint = Chemin complet. Rien n'est écrit avant que vous ayez vu et confirmé les chemins exacts.
restore-absolute = Donnez un chemin complet, qui commence par /
restore-existing-question = Si un fichier y est déjà
restore-refuse = ne rien faire et le dire
restore-keep = garder celui qui est là
restore-replace = le remplacer par celui de la sauvegarde, même s'il est plus récent
restore-older = le remplacer seulement s'il est plus ancien que celui de la sauvegarde
restore-beside = garder les deux : celui de la sauvegarde prend un nom voisin
restore-home = À l'endroit d'origine, sur la machine choisie
restore-lost = { $n ->
    [one] Le contenu actuel de { $count } fichier sera perdu
   *[other] Le contenu actuel de { $count } fichiers sera perdu
 }
restore-lost-newer = { $n ->
    [one] Le contenu actuel de { $count } fichier sera perdu ; il est plus récent que la sauvegarde
   *[other] Le contenu actuel de { $count } fichiers sera perdu, dont { $newer } plus récents que la sauvegarde
 }
restore-newer = plus récent que la sauvegarde
restore-same = { $n ->
    [one] { $count } fichier est déjà là, le même : il ne sera pas réécrit.
   *[other] { $count } fichiers sont déjà là, les mêmes : ils ne seront pas réécrits.
 }
restore-beside-count = { $n ->
    [one] { $count } fichier sera restauré sous un nom voisin.
   *[other] { $count } fichiers seront restaurés sous un nom voisin.
 }
restore-beside-name = { $name } reste ; celui de la sauvegarde devient { $becomes }
restore-blocked = { $n ->
    [one] { $count } élément ne sera pas restauré : un dossier et un fichier portent le même nom.
   *[other] { $count } éléments ne seront pas restaurés : un dossier et un fichier portent le même nom.
 }
restore-no-room = La place manque : il faut { $needed }, il reste { $free }. Libérez de la place ou choisissez un autre dossier.
restore-db-here = Remettre sa base dans une nouvelle base
restore-db-title = Une base de { $plan }, { $date }
restore-db-lead = La base sauvée est chargée dans une nouvelle base, sur un serveur à vous, puis recomptée. Aucune base qui existe n'est écrasée.
restore-db-where = Dans quelle nouvelle base ?
restore-db-to = Adresse de la nouvelle base
restore-db-to-hint = mariadb://utilisateur@serveur/nouveau-nom ou postgresql://utilisateur@serveur/nouveau-nom. Pour un serveur sur ce boîtier, finissez l'adresse par « ?socket=/run/mysqld/mysqld.sock » (pour PostgreSQL, le dossier de son socket). L'utilisateur doit avoir le droit de créer des bases.
restore-db-password = Mot de passe de cet utilisateur
restore-db-password-hint = Il sert à cette restauration et n'est gardé nulle part.
restore-db-preview = Voir ce qui sera créé
restore-db-exactly = Voici exactement ce qui sera créé
restore-db-new = La nouvelle base
restore-db-from = { $database }, telle qu'elle était le { $date } ({ $engine } { $version })
restore-db-becomes = { $name }, qui n'existe pas encore, à l'adresse { $url } (version { $version })
restore-db-totals = { $n ->
    [one] Une table, { $rows } lignes, { $bytes } à charger ; puis tout est recompté et comparé.
   *[other] { $count } tables, { $rows } lignes, { $bytes } à charger ; puis tout est recompté et comparé.
 }
restore-db-views = { $n ->
    [one] une vue
   *[other] { $count } vues
 }
restore-db-triggers = { $n ->
    [one] un déclencheur
   *[other] { $count } déclencheurs
 }
restore-db-routines = { $n ->
    [one] une routine
   *[other] { $count } routines
 }
restore-db-events = { $n ->
    [one] un événement
   *[other] { $count } événements
 }
restore-db-powerful = Cet utilisateur a sur ce serveur plus de droits que de remplir une nouvelle base, et les instructions de la base sauvée les auraient aussi. Si vous ne faites pas confiance à ceux qui y écrivaient, prenez un utilisateur qui n'a de droits que sur la nouvelle base.
restore-db-button = Créer { $name } et la charger
restore-db-url = L'adresse de la nouvelle base n'est pas lisible : { $why }.
restore-db-none = Ce point de restauration ne contient pas de base.
restore-db-too-late = Ce qui a été montré est trop ancien, ou déjà confirmé. Regardez-le de nouveau, puis confirmez.
restore-preview = Voir ce qui sera écrit
restore-exactly = Voici exactement ce qui sera écrit
restore-totals = { $n ->
    [one] { $count } fichier ({ $bytes }), dossiers : { $folders }.
   *[other] { $count } fichiers ({ $bytes }), dossiers : { $folders }.
 }
restore-kept = { $n ->
    [one] { $count } fichier existant sera gardé tel quel
   *[other] { $count } fichiers existants seront gardés tels quels
 }
restore-from = Dans la sauvegarde
restore-becomes = Sur le boîtier
restore-becomes-on = Sur { $server }
restore-button = Restaurer vers { $destination }
restore-to = Restauration vers { $destination }
restore-done = { $n ->
    [one] { $count } fichier, { $bytes }, en { $took }
   *[other] { $count } fichiers, { $bytes }, en { $took }
 }
restore-problems = { $n ->
    [one] { $count } élément n'a pas pu être restauré
   *[other] { $count } éléments n'ont pas pu être restaurés
 }
restore-cancel = Arrêter cette restauration
restore-resume = Reprendre cette restauration
restore-resume-hint = Ce qui est déjà restauré reste en place ; seul le reste sera écrit.
restore-resume-count = Reprises
restore-resumed = { $n ->
    [one] { $count } fois
   *[other] { $count } fois
 }
restore-destination = Vers
restore-brought = Restauré

boot-off = Le démarrage par le réseau est éteint : aucune interface n'est nommée dans reprise.toml (« ./run --interface NOM »).
host-seen = vu, muet
host-waiting = attend une approbation
host-approved = approuvé
host-approved-by = approuvé par { $by } le { $date }
host-first-seen = Vu la première fois le { $date }
host-cpu = { $n ->
    [one] { $model }, { $count } cœur
   *[other] { $model }, { $count } cœurs
 }
host-system = Machine
host-product = Modèle
host-serial = Numéro de série
host-processor = Processeur
host-memory = Mémoire
host-firmware = Micrologiciel
host-secure-boot = Secure Boot
host-secure-off = désactivé
host-secure-on = activé
host-secure-trusts = activé ; démarre ce qui est signé sous { $names }
host-secure-refuses = Le disque de démarrage sera refusé : dans les réglages du micrologiciel de ce poste, autoriser l'autorité UEFI tierce (« Allow Microsoft 3rd Party UEFI CA »).
host-disks = Disques
host-nics = Cartes réseau
host-macs = Adresses matérielles
host-last-seen = Vu
host-glpi-accepted = Inventaire accepté par GLPI le { $date }.
host-glpi-waits = Son inventaire n'est pas encore arrivé dans GLPI.
host-user = Utilisateur
host-profile = Profil
host-asset-tag = Numéro d'inventaire
host-supplier = Fournisseur
host-bought = Acheté le
host-address = Adresse fixe
host-address-hint = Gardée pour ce poste : n'importe laquelle de ses propres cartes réseau la reçoit, et aucun autre poste. Laissez vide pour une adresse quelconque.
host-address-which = Adresse IPv4, par exemple 192.168.1.20
host-address-button = Lui garder cette adresse
host-warranty = Garantie
warranty-until = jusqu'au { $date }
warranty-over = finie depuis le { $date }
warranty-today = finit aujourd'hui
warranty-soon = { $n ->
    [one] finit dans { $count } jour ({ $date })
   *[other] finit dans { $count } jours ({ $date })
 }
host-becomes = Il s'appellera { $name }
host-profile-own = celui qu'il a
hosts-preview = Voir les noms
hosts-many = En approuver plusieurs
hosts-many-hint = Cochez ceux dont le code est celui de leur écran. Tous sont approuvés, ou aucun.
hosts-many-button = Approuver ceux qui sont cochés
hosts-export = Télécharger la liste (CSV)
disk-removable = amovible
pairing = Code affiché par le poste :
pairing-hint = Comparez avec l'écran du poste : le même code prouve que c'est bien cette machine qui parle à ce boîtier.
host-approve = Approuver { $name }
host-deploy-link = Approuver et déployer…
host-ask = Le réinterroger à son prochain démarrage réseau
host-forget = Oublier { $name }
host-wake = L'allumer par le réseau
host-next = Son prochain démarrage réseau
host-next-asked = Il recevra « { $entry } » une seule fois, à la demande de { $by }, avant le { $date }.
host-next-hint = Une seule fois, dans la journée. Choisissez le réseau dans le menu de démarrage du poste (souvent F12) ; ensuite il démarre comme d'habitude.
host-next-what = Ce qu'il reçoit
host-next-button = Le lui donner cette fois
host-next-withdraw = plus rien
host-menu = Le menu, sur son écran
adapters-title = Cartes réseau partagées
adapters-hint = Une station d'accueil ou un adaptateur USB dont plusieurs postes se sont servis. Une telle carte ne désigne aucun poste : celui qui démarre par elle dit d'abord son numéro de série, et ne reçoit rien de ce qui est destiné à un autre.
adapters-mac = Carte
adapters-users = A servi à
hosts-known = Postes connus
hosts-none = Aucun poste ne s'est encore présenté.
hosts-none-yet = Aucun autre poste.
sessions-title = Déploiements
deploy-choose = Déployer une image
deploy-choose-hint = La page suivante dit ce qui sera perdu ; rien n'est écrit avant votre confirmation.
deploy-image = Image
deploy-disk = Disque
deploy-see = Voir ce qui sera perdu
deploy-no-image = Choisissez d'abord une image
deploy-no-disk = Ce poste n'a pas encore dit quels disques il a.
deploy-title = Déployer « { $image } » sur { $host }
deploy-type = Pour confirmer, tapez le nom du poste : { $name }
deploy-typed-wrong = Le nom tapé n'est pas { $name } ; rien n'a été fait.
deploy-button = Effacer { $disk } et déployer sur { $host }
session-stale = le poste ne répond plus
wipe-choose = Effacer un disque
wipe-title = Effacer un disque de { $host }
wipe-hint = Tout le disque est écrasé une fois par des zéros, puis relu ; le journal garde qui l'a confirmé, quel disque et quand. Le poste le fait à son prochain démarrage par le réseau.
wipe-button = Effacer { $disk } de { $host }
wipe-summary = { $bytes } écrasés et relus en { $took }
session-wipe = aucune : le disque est effacé
capture-choose = Créer une image d'un disque
capture-title = Image { $image } d'un disque de { $host }
capture-hint = Tout le disque est lu dans le coffre des images, sans doublons ; rien n'y est modifié. Le poste le fait à son prochain démarrage par le réseau. Préparer d'abord le modèle : Windows généralisé (sysprep) et arrêté complètement, disque non chiffré.
capture-name = Nom de l'image
capture-button = Créer cette image
capture-summary = { $bytes } lus, enregistrés et comparés en { $took }
session-said = Ce qui se passe
host-memtest = Test de la mémoire (memtest86+)
host-rescue = Secours : une console avec le réseau
session-cancel = Annuler cette session
session-cancelled-by = Annulé par { $by }.
session-summary = { $bytes } écrits et relus en { $took }.
session-lost = Perdu
session-expires = Valable jusqu'au
images-lead = Disques système prêts à être déployés. Ils sont rangés dans le coffre comme le reste : dédupliqués, chiffrés.
images-empty = Aucune image. Importez-en une :
image-imported = Importée
image-how = Pour ajouter un disque brut, sur le boîtier :

account-title = Votre compte
account-password = Mot de passe de la console
account-password-link = En choisir un autre
account-fingerprint = Empreinte du certificat de cette console
account-fingerprint-hint = Votre navigateur doit montrer la même empreinte SHA-256.
keys-title = Feuilles de secours des coffres
keys-lead = Une copie que personne ne peut ouvrir ne protège personne. Imprimez une feuille par coffre, gardez-la hors des locaux, loin du coffre, et ressaisissez ses mots ici depuis le papier. Un service ne compte comme protégé qu'après.
keys-none = Aucun coffre n'est configuré.
key-label = Coffre { $target }
key-confirmed = Mots ressaisis par { $by } le { $date }
key-never = Mots jamais ressaisis.
key-button = Vérifier les mots de { $target }
key-paper-step = 1. Faire une feuille : vingt-quatre mots et un code à imprimer. Ils ne sont montrés qu'une fois et ne sont gardés nulle part.
key-paper-button = Faire une feuille pour { $target }
key-words-step = 2. Ressaisir les vingt-quatre mots, lus sur le papier
paper-title = Feuille de secours du coffre { $target }
paper-once = Imprimez cette page maintenant (Ctrl+P) : ces mots ne seront plus jamais montrés, et ce boîtier ne les garde pas.
paper-what = Ces vingt-quatre mots ouvrent les sauvegardes de { $appliance } quand le boîtier et ses mots de passe n'existent plus. Feuille faite le { $date }.
paper-keep-title = Où la garder.
paper-keep = Hors des locaux et loin du coffre : coffre-fort, banque, notaire. Qui a cette feuille et le coffre peut tout lire.
paper-use-title = Comment s'en servir.
paper-use = Sur n'importe quelle machine Linux avec le programme reprise : tapez les vingt-quatre mots, dans l'ordre, dans un fichier FILE, puis
paper-code = Le code contient les mêmes mots.
paper-next = La feuille est imprimée ?
paper-next-link = Ressaisir ses mots depuis le papier

letter-subject = { $appliance } : { $what }
letter-from = Écrit par le boîtier { $appliance } (Reprise). Ne répondez pas à ce message.
letter-try-subject = essai des messages
letter-try-lead = Ce message est un essai demandé par quelqu'un : les messages de ce boîtier arrivent ici.
letter-opened-subject = ennui : { $object }
letter-opened-lead = Quelque chose ne va pas : { $object }.
letter-since = Depuis le { $date }.
letter-until-over = Vous recevrez un message quand ce sera réglé, et aucun d'ici là.
letter-comes-and-goes = C'est la troisième fois en un jour : cela va et vient. Plus aucun message à ce sujet pendant ce jour ; le message du matin et la console continuent de le dire.
letter-over-subject = réglé : { $object }
letter-over-lead = C'est réglé : { $object }.
letter-lasted = Du { $from } au { $to } ({ $took }).
letter-it-was = C'était : { $sentence }
object-target = la cible { $target }
object-plan = le plan { $plan }
object-proof = la restauration d'essai ({ $plan }, depuis { $target })
object-age = une copie trop ancienne ({ $plan }, sur { $target })
object-room = la place sur la cible { $target }
object-history = l'histoire de la cible { $target }
object-messages = les messages ne partent pas ({ $channel })
object-clock = l'horloge de ce boîtier
letter-none-protected = 0 de vos services sont protégés.
letter-only-itself = Ce boîtier ne protège que lui-même : aucun service ne lui est confié.
letter-troubles-title = Ce qui ne va pas
letter-no-trouble = Aucun ennui en cours.
letter-trouble = { $object }, depuis le { $date } : { $sentence }
letter-trouble-since = { $sentence } Depuis le { $date }.
letter-trouble-found-since = { $sentence }. Depuis le { $date }.
letter-service = { $plan } : { $verdict }
letter-nowhere = Sauvé nulle part : aucune cible n'est indiquée.
letter-never-saved = Jamais sauvé sur { $target }.
letter-saved = { $n ->
    [one] Sauvé sur { $target } le { $date } : { $count } fichier, { $bytes } ({ $added } de nouveau), en { $took }.
   *[other] Sauvé sur { $target } le { $date } : { $count } fichiers, { $bytes } ({ $added } de nouveau), en { $took }.
 }
letter-saved-problems = { $n ->
    [one] { $count } élément n'a pas pu être sauvé.
   *[other] { $count } éléments n'ont pas pu être sauvés.
 }
letter-busy = Une sauvegarde sur { $target } est en cours ; elle n'est pas comptée ici.
letter-never-tried = Jamais essayé : la copie sur { $target } n'a jamais été restaurée pour de vrai.
letter-not-restored = L'essai du { $date } depuis { $target } a échoué : { $why }
letter-last-good = Dernière copie restaurée pour de vrai : celle du { $date }.
letter-restored = { $n ->
    [one] Restauré pour de vrai depuis { $target } le { $date }, en { $took } : { $count } fichier ({ $bytes }), comparé, sans différence.
   *[other] Restauré pour de vrai depuis { $target } le { $date }, en { $took } : { $count } fichiers ({ $bytes }), comparés, sans différence.
 }
letter-opened = { $n ->
    [one] Base { $database } restaurée et ouverte depuis { $target } le { $date }, en { $took } : { $tables } tables, { $count } ligne, comparée à ce qui avait été compté, sans différence.
   *[other] Base { $database } restaurée et ouverte depuis { $target } le { $date }, en { $took } : { $tables } tables, { $count } lignes, comparées à ce qui avait été compté, sans différence.
 }
letter-read = Relu sur { $target } le { $date }, sans rien restaurer.
letter-listed = Présent au complet sur { $target } le { $date }, sans être relu.
letter-no-range = { $n ->
    [one] Aucune durée n'est promise : mesurée { $count } fois, il en faut trois.
   *[other] Aucune durée n'est promise : mesurée { $count } fois, il en faut trois.
 }
letter-range = { $n ->
    [one] Pour le ravoir : de { $least } à { $most }, mesuré { $times } fois entre le { $from } et le { $to }, pour ce { $count } fichier ({ $bytes }), de { $target } à ce boîtier.
   *[other] Pour le ravoir : de { $least } à { $most }, mesuré { $times } fois entre le { $from } et le { $to }, pour ces { $count } fichiers ({ $bytes }), de { $target } à ce boîtier.
 }
letter-exposed-title = Non protégé
letter-exposed = { $plan }, depuis le { $date } : { $reasons }
letter-exposed-now = { $plan } : { $reasons }
letter-week-title = Les sept derniers jours
letter-week-saved = { $n ->
    [one] { $count } sauvegarde réussie ({ $added } ajoutés) ; sans succès : { $failed }.
   *[other] { $count } sauvegardes réussies ({ $added } ajoutés) ; sans succès : { $failed }.
 }
letter-week-restored = { $n ->
    [one] { $count } restauration pour de vrai réussie ; sans succès : { $failed }.
   *[other] { $count } restaurations pour de vrai réussies ; sans succès : { $failed }.
 }
letter-alive = Ce boîtier est en vie.
letter-next-day = Prochain message demain à { $hour }. S'il n'arrive pas, allez voir le boîtier.
letter-next-week = Prochain message lundi à { $hour }. S'il n'arrive pas, allez voir le boîtier.

fact-message-sent = Message envoyé ({ $channel }) : { $subject }
fact-message-lost = Message perdu ({ $channel }) : { $subject }

nav-notify = Messages
nav-restore = Restaurer
nav-unprotected = Non protégé
nav-targets = Copies
unprotected-title = Ce que personne ne sauve
unprotected-sentence = { $n ->
    [0] Tout ce que ce boîtier voit est sauvé ({ $saved }), ou son risque est accepté.
    [one] { $count } chose que ce boîtier voit n'est sauvée par personne ; sauvées : { $saved }.
   *[other] { $count } choses que ce boîtier voit ne sont sauvées par personne ; sauvées : { $saved }.
 }
unprotected-open = À décider
unprotected-none = Rien n'attend de décision.
unprotected-accepted = Risques acceptés
unprotected-seen = Ce que ce boîtier voit, et ne voit pas
unprotected-looked = Regardé : les dossiers de { $folders } sur ce boîtier, ses serveurs MariaDB et PostgreSQL, les applications Dolibarr et Nextcloud qui s'y trouvent, les postes connus par le démarrage réseau ou importés.
unprotected-unseen = Non regardé : ce que contiennent les autres machines, les services en ligne, les téléphones. Une machine compte comme sauvée quand un plan sauve un partage monté depuis elle.
unprotected-blind = Ceci n'a pas pu être regardé ; il peut s'y trouver quelque chose que personne ne sauve :
seen-application = { $name } dans { $folder }
seen-database = la base { $name } ({ $engine })
seen-server = un serveur { $engine } ; ses bases ne sont pas visibles d'ici
seen-folder = le dossier { $folder }
seen-host = le poste { $name }
seen-host-mac = le poste { $name } ({ $mac })
risk-open = non protégé
risk-partly = en partie : seul { $inside } est sauvé
risk-ran-out = non protégé : le risque n'était accepté par { $by } que jusqu'au { $date } ({ $why })
risk-accepted = risque accepté par { $by } jusqu'au { $date } : { $why }
risk-summary = Accepter le risque
risk-why = Pourquoi cela peut être perdu
risk-until = Pendant (puis la question revient)
risk-button = Accepter que personne ne sauve { $name }
risk-withdraw = Ne plus accepter : { $name }
risk-refused = Ce risque n'a pas été accepté : dites pourquoi, et pour un an au plus.
protect-summary = Protéger
protect-how = Ajoutez ces lignes à reprise.toml, vérifiez-les (« reprise config check »), puis relancez Reprise :
protect-name = Changez le nom et l'heure à votre goût ; la première sauvegarde peut être lancée aussitôt depuis la page des plans.
protect-host = Les fichiers d'une autre machine se sauvent depuis un partage monté ici : montez-le, puis ajoutez un plan pour ce dossier. La machine compte alors comme sauvée.
protect-database = Une base se sauve par les outils de son serveur : copier ses fichiers pendant qu'il tourne ne donne pas une copie utilisable. L'utilisateur de la base et ses droits : docs/databases.md.
home-unprotected = { $n ->
    [one] { $count } chose que ce boîtier voit n'est sauvée par personne.
   *[other] { $count } choses que ce boîtier voit ne sont sauvées par personne.
 }
home-unprotected-see = Voir ce que personne ne sauve, et décider
fact-risk-accepted = Risque accepté par { $by } jusqu'au { $date } : { $object } ({ $why })
fact-risk-withdrawn = Risque plus accepté par { $by } : { $object }
fact-risk-ran-out = L'acceptation du risque a pris fin : { $object }
letter-unprotected-title = Vu, mais sauvé par personne
letter-unprotected = { $name } : { $standing }
letter-unprotected-more = { $n ->
    [one] et { $count } autre ; la console les montre tous.
   *[other] et { $count } autres ; la console les montre tous.
 }
notify-lead = Un message quand quelque chose casse, un quand c'est réglé, un chaque matin. Ils attendent ici tant que leur serveur ne répond pas.
notify-none = Aucune voie n'est indiquée : ce boîtier ne prévient personne. Ajoutez [notify] dans reprise.toml (« reprise config example » montre les clés), puis relancez.
notify-channels = Voies
notify-try = Essayer maintenant
notify-try-lead = Envoie un message par chaque voie et montre ce que son serveur répond.
notify-tried = Réponses à l'essai
notify-outbox = Derniers messages
notify-empty = Aucun message n'a encore été écrit.
notify-every-day = Message du matin chaque jour à { $hour }
notify-every-week = Message du matin le lundi à { $hour }
col-channel = Voie
channel-mail = courriel à { $to }
channel-mattermost = Mattermost
channel-ping = signe de vie
col-subject = Sujet
col-answer = Réponse
letter-waiting = attend
letter-refused = refusé, nouvel essai prévu
letter-sent = envoyé
letter-lost = perdu

# Ce que les autres parties disent de ce qui ne va pas (voir words/told.rs).
told-failed = { $what }
told-of-target = { $what } (cible { $target })
told-missing = le dossier du coffre { $folder } n'existe pas. Montez le disque ou le partage qui le contient ; s'il n'y a jamais été, créez-le et lancez « reprise vault init ».
told-not-a-folder = { $folder } n'est pas un dossier. Corrigez le chemin de la cible.
told-not-mounted = rien n'est monté à la place du coffre { $folder } : rien n'y a été écrit. Allumez et montez le NAS ou le disque ; la sauvegarde reprendra.
told-read-only = { $folder } est en lecture seule : { $object } n'a pas pu être écrit. Remontez-le en écriture, ou vérifiez le disque.
told-denied = l'accès à { $object } dans { $folder } est refusé. Donnez à reprise le droit d'y lire et d'y écrire.
told-full = le disque de { $folder } est plein : { $object } n'a pas pu être écrit ({ $free_bytes } libres, { $needed_bytes } nécessaires). Libérez de la place, ou choisissez une cible plus grande.
told-full-of = le disque de la cible { $target } est plein : { $object } n'a pas pu être écrit dans { $folder } ({ $free_bytes } libres, { $needed_bytes } nécessaires). Libérez de la place, ou choisissez une cible plus grande.
told-reserved = il ne reste que { $free_bytes } libres sur le disque de { $folder }, dont le système a besoin aussi ({ $keep_bytes } lui sont gardés, keep_free_mb) : { $object } n'a pas été écrit. Libérez de la place, ou donnez au coffre un disque à lui.
told-exchanged = un autre disque qu'il y a un instant est monté dans { $folder } : rien n'y a été écrit. Recommencez avec le bon disque.
told-not-found = { $object } manque dans { $folder }. Lancez « reprise vault check » pour voir ce qui est touché.
told-short = { $object } est tronqué dans { $folder }. Lancez « reprise vault check » pour voir ce qui est touché.
told-untrue = { $object }, écrit dans { $folder }, se relit autrement : ce disque ou ce partage n'est pas fiable. Remplacez-le.
told-io = { $object } dans { $folder } n'est pas utilisable ({ $error }). Vérifiez le disque ou le partage.
told-unreachable = le coffre de { $folder } n'est pas joignable : { $what }
told-host-unknown = la clé d'hôte de { $host } n'est pas connue : il montre { $offered }. Comparez avec ce que le NAS montre lui-même (sur lui : ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), puis donnez-la une fois avec --host-key { $again }, ce qui l'écrit dans { $file }. Aucun mot de passe n'a été envoyé.
told-host-changed = { $host } n'est plus la même machine : sa clé d'hôte est { $offered }, celle qui est retenue est { $pinned }. Si le NAS a été remplacé ou réinstallé, retirez la ligne de { $again } dans { $file } et donnez la nouvelle clé avec --host-key ; sinon quelqu'un est peut-être entre les deux. Rien n'a été envoyé.
told-host-silent = { $host } ne répond pas ({ $error }). Vérifiez que le NAS est allumé, que son service SFTP tourne et qu'il ne bloque pas ce boîtier.
told-login-refused = { $host } a refusé la connexion de { $user } ({ $with }). À faire : { $next }
told-no-sftp = { $host } n'offre pas SFTP à { $user } ({ $error }). Activez le service SFTP et donnez-en le droit à cet utilisateur.
told-ssh-key = la clé SSH { $file } n'est pas utilisable : { $error }
told-ssh-password = le mot de passe SSH n'est pas lisible dans { $file } ({ $error }). Écrivez-le sur la première ligne de ce fichier.
told-locked = la cible { $target } ne s'ouvre pas : { $what }
told-password-unreadable = le fichier de mot de passe { $file } n'est pas lisible ({ $error }). Créez-le, avec le mot de passe du coffre sur sa première ligne.
told-password-empty = la première ligne du fichier { $file } est vide. Écrivez-y le mot de passe du coffre.
told-silent = la cible { $target } ne répond pas : { $folder } est resté muet { $seconds } secondes. Vérifiez que le NAS est allumé et le réseau en marche, puis remontez-le.
told-foreign = le coffre qui se trouve sur la cible { $target }{ $now } n'est pas celui où ce boîtier a sauvé jusqu'au { $was } : rien n'y a été écrit. Remettez le bon disque ou le bon partage ; si c'est voulu, dites-le sur la page des copies ou par « reprise target accept { $again } ».
told-emptied = { $folder } (cible { $target }) ne contient plus de coffre, alors que ce boîtier y a sauvé jusqu'au { $was }. Remettez le bon disque ou le bon partage. S'il est perdu, faites un nouveau coffre par « reprise vault init », puis dites que c'est voulu par « reprise target accept { $again } ».
told-no-vault = { $folder } ne contient pas de coffre. Vérifiez le chemin, ou faites-en un par « reprise vault init ».
told-wrong-password = le mot de passe n'ouvre pas le coffre de { $folder }. Vérifiez le fichier de mot de passe, ou servez-vous de la feuille de secours.
told-newer-format = le coffre de { $folder } a le format { $found } ; ce programme lit jusqu'au format { $known }. Installez une version plus récente de reprise.
told-damaged = { $object } est abîmé ({ $error }). Lancez « reprise vault check » pour voir ce qui est touché.
told-bad-root = { $path } ne peut pas être sauvé ({ $error }). Corrigez les dossiers du plan.
told-nothing-saved = rien de { $plan } n'a pu être lu ({ $error }). Vérifiez que ses dossiers existent et sont montés.
told-revoked = cette sauvegarde a été annulée par un nettoyage du coffre lancé ailleurs ; ce qu'elle a écrit ne compte pas. Relancez-la.
told-overtaken = un nettoyage du coffre a retiré ce sur quoi cette sauvegarde comptait. Relancez-la ; ce qu'elle a déjà écrit resservira.
told-incomplete = rien de { $folders } (plan { $plan }) n'est dans ce point de restauration. Remettez-le en place (son disque est-il monté ?), ou retirez-le du plan.
told-pulled = le disque de la cible { $target } a été retiré pendant la sauvegarde de { $plan }. Chaque point de restauration qui s'y trouve est entier ; celui-ci n'y est pas. Rebranchez-le : la sauvegarde se refait toute seule.
told-disk-late = le disque n'a pas été rapporté depuis plus longtemps que convenu (expected_every). Branchez-le : la sauvegarde se fait toute seule.
told-verified = vérifié : { $tables } tables avec { $rows } lignes sont dans la nouvelle base telles qu'elles ont été sauvées
told-clock-set = l'horloge de ce boîtier a été changée de { $was } à { $now } pendant que reprise tournait. Chaque plan continue à son heure, et ce que ce changement rend dû est fait une fois. Si personne ne l'a voulu, remettez-la à l'heure et activez un serveur de temps (timedatectl set-ntp true).
told-overdue = le dernier point de restauration est plus ancien qu'admis : aucune sauvegarde n'a réussi depuis. Voyez pourquoi sur la page des plans, et lancez-en une.
told-not-proven = la restauration d'essai de { $plan } depuis { $target } a échoué : { $why }
told-difference = 1 différence : { $first }
told-differences = { $count } différences, la première : { $first }
told-listed-less = le point de restauration dit contenir { $files } fichiers, ses dossiers en montrent { $listed }. Lancez « reprise vault check ».
told-compared-less = { $compared } fichiers sur { $files } ont été comparés. Le journal technique dit ce qui a arrêté les autres.
told-no-file = le point de restauration ne contient aucun fichier, seulement des dossiers : le plan nomme-t-il les bons ?
told-scratch-full = il manque de la place pour l'essai dans { $folder } : { $free_bytes } libres, { $needed_bytes } nécessaires. Libérez-en, ou mettez state_dir sur un disque plus grand.
told-scratch = le dossier d'essai { $folder } n'est pas utilisable ({ $error }). Rendez le dossier d'état accessible en écriture et libérez de la place.
told-rolled-back = la cible { $target } est revenue à un état plus ancien qu'hier : le point { $point } a disparu sans que personne l'ait oublié ici. Demandez qui a remis une ancienne copie du NAS ou y a effacé des fichiers, et lancez « reprise vault check ».
told-not-tidied = { $what } (pendant le rangement des anciens points de { $plan })
told-cut-off = reprise s'est arrêté au milieu (coupure, arrêt ou redémarrage), ou n'a pas pu noter la fin
told-words = ces mots n'ouvrent pas le coffre { $target } : { $what }. Comparez avec le papier.
told-words-count = il y en a { $count } au lieu de { $wanted }
told-words-unknown = le mot { $number } ({ $word }) n'existe pas dans la liste
told-words-mixed = ils ne vont pas ensemble, l'un est faux ou deux sont échangés
told-words-other = ce sont les mots d'un autre coffre, ou leur feuille a été retirée
told-glpi = les inventaires n'arrivent pas dans GLPI : { $what }
told-glpi-one = l'inventaire de { $host } n'arrive pas dans GLPI : { $what }
told-glpi-more = l'inventaire de { $host } et { $count } autres n'arrivent pas dans GLPI : { $what }
told-glpi-silent = il ne répond pas ({ $error }). Vérifiez que le serveur est allumé et que url dans [glpi] est juste.
told-glpi-login = il veut une autre identification (réponse { $status } : { $said }). Écrivez user et password_file dans [glpi] comme le disent ses réglages d'inventaire.
told-glpi-no-page = il ne prend aucun inventaire à cette adresse (réponse { $status }). Corrigez url dans [glpi].
told-glpi-elsewhere = il renvoie ailleurs ({ $address }). Écrivez sa nouvelle adresse dans url de [glpi].
told-glpi-none = ce qui répond là n'est pas un GLPI 10 ou plus récent (réponse { $status } : { $said }). Corrigez url dans [glpi], et activez l'inventaire dans GLPI.
told-glpi-server = il a une panne à lui (réponse { $status } : { $said }). Regardez files/_log/php-errors.log sur ce serveur.
told-glpi-busy = il est occupé (réponse { $status } : { $said }). Il sera interrogé de nouveau, sans rien faire.
told-glpi-refused = il refuse cet inventaire ({ $said }). Regardez ses règles d'import, et les équipements qu'elles ont refusés.
told-glpi-still = il y travaillait encore après 12 questions. Vérifiez que ses actions automatiques tournent, puis renvoyez-le par « reprise host push ».
told-glpi-password = le mot de passe n'est pas lisible dans { $path } ({ $error }). Écrivez-le sur la première ligne de ce fichier.
told-glpi-certificates = les certificats de { $path } ne peuvent pas servir ({ $error }). Corrigez ca_file dans [glpi].
told-database-unsaved = la base { $name } n'est pas sauvée (plan { $plan }) : { $why }
told-database-alone = la base { $name } n'est pas sauvée (plan { $plan }) : { $why }
told-database-of-app = la base de { $app } n'est pas sauvée (plan { $plan }) : { $why }
told-nothing-of-it = rien n'en est sauvé
told-nothing-of-it-why = rien n'en est sauvé : { $why }
told-database-tool = { $program } manque : les programmes clients de { $engine } ne sont pas sur ce boîtier. Lancez « apt-get install { $package } ».
told-database-start = { $program } ne se lance pas ({ $error }). Voyez la mémoire et les processus de ce boîtier.
told-database-password = le mot de passe de { $thing } n'est pas lisible dans { $file } ({ $error }). Écrivez-le sur la première ligne de ce fichier, lisible de reprise seulement.
told-database-login = la connexion à { $thing } n'a pas pu être préparée pour son client ({ $error }). Vérifiez le dossier des fichiers temporaires ({ $folder }).
told-database-unreachable = { $deed } a échoué : le serveur ne répond pas ({ $said }). Vérifiez qu'il tourne, son adresse et son port, et qu'il écoute ce boîtier.
told-database-credentials = { $deed } a échoué : le serveur refuse cet utilisateur ou son mot de passe ({ $said }). Vérifiez l'utilisateur, d'où il a le droit de se connecter, et le mot de passe dans database_password_file.
told-database-no-such = { $deed } a échoué : cette base n'existe pas ({ $said }). Vérifiez son nom.
told-database-denied = { $deed } a échoué : il manque un droit ({ $said }). Donnez à son utilisateur ceux de la liste de docs/databases.md.
told-database-locked = { $deed } a échoué : un verrou est resté posé ({ $said }). Cherchez qui le tient (SHOW FULL PROCESSLIST, pg_stat_activity), terminez cette session ou attendez-la, puis relancez le plan.
told-database-altered = { $deed } a échoué : la table a changé pendant la copie ({ $said }). C'est sans doute une mise à jour de l'application : relancez le plan quand elle est finie.
told-database-lost = { $deed } a échoué : la liaison avec le serveur s'est coupée ({ $said }). Voyez son journal (arrêté ? à court de mémoire ?), puis relancez le plan.
told-database-untrusted = { $deed } a échoué : le certificat du serveur n'est pas digne de confiance ({ $said }). Vérifiez que le fichier de « ?ca= » contient le certificat de qui a signé celui du serveur, et que l'adresse nomme le serveur comme son certificat.
told-database-old-client = { $deed } a échoué : les programmes clients de ce boîtier sont plus anciens que le serveur ({ $said }). Installez ceux de sa version (mariadb-client, postgresql-client-NN).
told-database-refused = { $deed } a échoué : le serveur répond { $said }. Corrigez-le sur le serveur, puis relancez le plan.
told-database-silent = { $deed } n'avance plus : le serveur n'a rien dit depuis { $minutes } min. Voyez ce qu'il fait (SHOW PROCESSLIST, pg_stat_activity), puis relancez le plan.
told-database-short = la copie de { $thing } n'est pas entière et n'est pas gardée : { $got } lignes sont venues, le serveur en compte { $counted } au même instant. Relancez le plan ; si cela ne change pas, vérifiez la table (CHECK TABLE, amcheck).
told-database-strange = la réponse de { $program } sur { $thing } n'est pas comprise ({ $error }). Donnez aux auteurs de Reprise les versions du client et du serveur.
told-database-empty = { $thing } ne contient aucune table. Vérifiez le nom de la base et les droits de son utilisateur.
told-stopped = arrêté à la demande
told-manifest = manifest.json n'est pas lisible dans la copie de la base ({ $error }). Essayez ou restaurez un autre point de restauration.
told-part-emptied = { $part } (plan { $plan }) n'est pas sauvé : { $thing }. Le dernier point de restauration qui en contient est { $point }, du { $day }. Cherchez ce qui l'a vidé, restaurez-le de là, et gardez ce point en attendant (« reprise vault hold »).
told-part-never = { $part } (plan { $plan }) n'est pas sauvé : { $thing }, et aucun point de restauration n'en contient. Corrigez les réglages de l'application ; ou un disque n'est-il pas monté ?
told-rows-gone = { $gone } des { $then } lignes de la base { $name } (plan { $plan }) que contient le point de restauration { $point }, du { $day }, ont disparu. Cherchez ce qui les a retirées, et restaurez-les de ce point.
told-files-gone = { $gone } des { $before } fichiers de { $plan } que contient le point de restauration d'avant ont disparu. Cherchez ce qui les a retirés, et restaurez-les de ce point.
told-recipe-not-there = { $title } n'est pas dans { $folder } : rien de { $tried } ne s'y trouve. Écrivez dans « folder » du plan où il est installé.
told-unreadable = { $file } n'est pas lisible ({ $error }). Donnez à reprise le droit de le lire.
told-not-plain = « { $name } » n'est pas écrit clairement dans { $file }. Écrivez-le comme un texte, ou dites-le dans le plan ({ $instead }).
told-in-database = base { $name }, { $thing } : { $why }
told-of-database = base { $name } : { $why }
told-about = { $object } : { $what }
told-rows-missing = elle manque ; { $rows } lignes étaient sauvées
told-rows-none = { $rows } lignes étaient sauvées, aucune n'est revenue
told-rows-some = { $rows } lignes étaient sauvées, { $came } sont revenues
told-rows-other = ses { $rows } lignes ne sont pas celles qui étaient sauvées
told-rows-more = elle n'existait pas à la sauvegarde ; elle est venue avec { $rows } lignes
told-others-some = { $rows } à la sauvegarde, { $came } au retour
told-check-table = CHECK TABLE dit : { $said }
told-answers-few = la copie chargée en donne { $got }, il en faut au moins { $wanted }. Voyez si l'application était vide quand elle a été sauvée.
told-document-missing = le document de { $row }, { $path }, n'est pas dans ce point de restauration. Voyez s'il est encore sur le serveur.
told-rights-lacking = le serveur ne montre pas ce à quoi { $user } n'a pas droit : il peut en manquer dans cette copie. Lancez { $grant }
told-not-transactional = est sauvée, mais pas au même instant que les autres : { $engine } n'a pas de transactions. Lancez { $alter }
told-past-rows = garde le passé de ses lignes (system versioning) : celles d'aujourd'hui sont sauvées, celles du passé ne le sont pas. Copiez-les par mariadb-dump --dump-history si elles comptent.
told-written-meanwhile = a changé pendant sa sauvegarde : { $rows } lignes comptées, { $came } dans la copie. Lancez ALTER TABLE … ENGINE=InnoDB
told-large-objects = { $count } gros objets (pg_largeobject) ne sont pas dans cette copie. Copiez-les par « pg_dump --large-objects » dans un dossier du plan, ou mettez-les dans des colonnes bytea.
told-hidden-events = { $count } événements ne sont pas dans cette copie : le serveur a été lancé avec event_scheduler=DISABLED et n'en montre aucun. Lancez-le avec event_scheduler=OFF au lieu de DISABLED, ce qui n'en exécute pas non plus.
told-unseen-events = on ne voit pas s'il y a des événements, et aucun n'est dans cette copie : le serveur a été lancé avec event_scheduler=DISABLED. Lancez-le avec event_scheduler=OFF au lieu de DISABLED, ce qui n'en exécute pas non plus, ou faites GRANT SELECT ON mysql.event pour que l'on voie qu'il n'y en a pas.
told-entry-gone = a disparu pendant la sauvegarde du dossier
told-entry-unread = n'a pas pu être lu ({ $error })
told-entry-missing = n'existe pas
told-entry-no-name = n'est pas sauvé : son nom est trop long, ou n'en est pas un
told-entry-deep = est sous plus de { $most } dossiers : n'est pas sauvé
told-entry-vault = est le coffre lui-même : il n'est pas sauvé dans lui-même
told-entry-attributes = ses attributs n'ont pas pu être lus ({ $error })
told-entry-changed = a changé pendant la lecture ; ce qui a été lu est gardé et mêle peut-être deux états
told-entry-more = { $count } autres problèmes
told-back-not = n'a pas été restauré ({ $error })
told-back-dressed = son propriétaire, ses droits et ses dates n'ont pas pu être remis ({ $error })
told-back-deep = est trop profond : n'a pas été restauré
told-back-folder = le dossier n'a pas été restauré, ni ce qu'il contient ({ $error })
told-back-inside = ce que le dossier contient n'a pas été restauré ({ $error })
told-seen-folder-not = le dossier n'a pas été restauré ({ $error })
told-seen-not = n'a pas été restauré
told-seen-unread = ne se relit pas ({ $error })
told-seen-attributes = ses attributs ne se relisent pas ({ $error })
told-seen-unknown = ce qu'il devrait contenir n'est pas connu ({ $error })
told-seen-unsaved = est là et n'était pas sauvé
told-seen-mode = a les droits { $now } au lieu de { $then }
told-seen-owner = appartient à { $now } au lieu de { $then }
told-seen-time = a pour date { $now } au lieu de { $then }
told-seen-attributes-other = a d'autres attributs étendus ({ $name })
told-seen-size = a { $now } octets au lieu de { $then }
told-seen-content = n'a pas le contenu lu à la sauvegarde
told-seen-no-link = n'est plus le même fichier sous un autre nom
told-seen-holes = occupe la place de ses trous ({ $sizes })
told-seen-others = il y a d'autres différences que celles-ci
told-deed-log-in = la connexion à { $thing }
told-deed-version = la lecture de la version de { $thing }
told-deed-transaction = l'ouverture d'une transaction de { $thing }
told-deed-instant = le choix de l'instant de { $thing }
told-deed-begin = le début de la copie de { $thing }
told-deed-dump = la copie de { $thing }
told-deed-shape = la copie de la structure de { $thing }
told-deed-count = le comptage de { $thing }
told-deed-read = la lecture de { $thing }
told-deed-locks = la recherche de ce qui verrouille { $thing }
told-deed-sessions = la recherche des sessions de { $thing }
told-deed-session = l'ouverture d'une session de { $thing }
told-deed-make = la création de la base { $thing }
told-deed-look = la recherche de la nouvelle base { $thing }
told-deed-load = le chargement de la copie
told-thing-table = la table { $name }
told-thing-database = la base { $name }
told-thing-dump = la copie
told-thing-views = vues
told-thing-triggers = déclencheurs
told-thing-routines = routines
told-thing-events = événements
told-thing-empty = { $path } est vide
told-thing-absent = { $path } n'est plus là
told-thing-unreadable = { $path } n'a pas pu être lu
nav-databases = Bases
databases-lead = Une copie prouvée d'une base de données, rouverte ici pour être lue pendant que son serveur est en panne. Personne ne peut y écrire, elle se ferme seule à l'heure dite.
database-title = { $name }, du plan { $plan }
database-loading = en cours de chargement
database-open = ouverte, en lecture seule
database-closed-time = fermée, à l'heure dite
database-closed-asked = fermée sur demande
database-closed-stop = fermée avec l'appliance
database-failed = non ouverte
database-engine = Moteur
database-taken = État du
database-from = Copie de
database-until = Ouverte jusqu'au
database-address = Adresse
database-user = Utilisateur
database-name = Base
database-password = Mot de passe
database-password-told = déjà montré une fois ; fermez la base et rouvrez-la pour en avoir un autre
database-show-password = Montrer le mot de passe, une seule fois
database-close = Fermer maintenant
database-open-title = Ouvrir une base en lecture seule
database-none = Aucune base n'a encore été restaurée et ouverte par une preuve : lancez d'abord la preuve d'un plan qui a une base.
database-which = Base
database-choice = { $name } ({ $plan }, depuis { $target }, prouvée le { $date })
database-listen = Adresse et port
database-listen-hint = 127.0.0.1 : depuis ce boîtier seulement. Une adresse du réseau la rend visible de tous les postes, sans chiffrement ; le port 0 en prend un libre.
database-hours = Pendant
database-open-button = Ouvrir
database-choose = Choisissez une base de la liste.
database-bad-address = Écrivez une adresse et un port, par exemple 192.168.1.10:3307.
fact-database-opened = Base { $name } du plan { $plan } ouverte en lecture seule sur { $address } jusqu'au { $date }, par { $by }
fact-database-closed = Base { $name } du plan { $plan } refermée
fact-database-not-opened = Base { $name } du plan { $plan } non ouverte
work-open = Ouverture de la base { $subject }
proof-database-answer = { $n ->
    [0] Demandé à la base (« { $question } ») : { $found }
    [one] Demandé à la base (« { $question } ») : { $found } ; { $count } document retrouvé
   *[other] Demandé à la base (« { $question } ») : { $found } ; { $count } documents retrouvés
 }

# Démarrages d'un poste
boots-title = Démarrages de { $name } par le réseau
boots-link = Ses démarrages par le réseau
boots-none = Ce poste n'a jamais été entendu demander à démarrer par le réseau.
boots-why = Ce qui s'est passé
boots-fix = Ce qu'il faut faire
boots-seen = Ce qui a été vu
boots-also = Ce peut être aussi
boots-pcap = Paquets pour Wireshark (pcap)
boots-flight = Mise sous tension du { $date }
boots-took = { $time } en tout
boots-omitted = { $n ->
    [one] { $count } autre étape n'est pas montrée
   *[other] { $count } autres étapes ne sont pas montrées
}
boots-quiet = silence de { $time }
boots-times = { $times } fois
boots-network = Entendu sur { $interface }
boot-certainty-seen = constaté
boot-certainty-probable = probable
boot-certainty-possible = possible
boot-program-bios = micrologiciel BIOS
boot-program-uefi = micrologiciel UEFI
boot-program-uefi-http = UEFI HTTP Boot
boot-program-ipxe = iPXE
boot-program-unsupported = un micrologiciel pour lequel il n'y a pas de chargeur
boot-program-ordinary = son système
boot-step-discover = Le poste demande qui peut le démarrer ({ $program })
boot-step-request = Le poste prend l'adresse de { $server }
boot-step-request-any = Le poste prend une adresse
boot-step-request-4011 = Le poste demande son chargeur (port 4011)
boot-step-other = Le poste envoie un autre message DHCP
boot-step-relayed = par le relais { $relay }
boot-step-six = en IPv6
boot-step-secs = il demande depuis { $secs } s
boot-step-offered = Nous proposons de le démarrer
boot-step-offered-file = Nous proposons { $file }
boot-step-acked = Nous répondons sur le port 4011 : { $file }
boot-step-silent = Nous nous taisons : { $why }
boot-step-refused = Nous refusons l'adresse qu'il demande
boot-step-not-sent = Notre réponse n'a pas pu partir : { $error }
boot-step-file-asked = Il demande { $file } ({ $by })
boot-step-file-length = Il demande la taille de { $file } ({ $by })
boot-step-file-refused = { $file } est refusé : { $why }
boot-step-file-sent = { $file } est arrivé : { $size } en { $time }
boot-step-file-probed = Il n'a demandé que la taille de { $file }
boot-step-file-cut = { $file } s'est interrompu après { $bytes } sur { $of }
boot-step-file-cut-why = { $file } s'est interrompu après { $bytes } sur { $of } : { $why }
boot-step-reported = Son agent se présente
boot-step-heard-address = { $server } lui propose l'adresse { $address }
boot-step-heard-boot = { $server } lui propose de démarrer
boot-step-heard-both = { $server } lui propose l'adresse { $address } et de démarrer
boot-step-heard-other = { $server } lui répond
boot-step-stopped = Un paquet pour le port { $port } est arrivé à ce boîtier et a été arrêté avant son serveur
boot-step-looked = Le poste cherche ce boîtier sur le réseau (ARP)
boot-why-nothing_to_do = il n'y a rien à faire sur ce poste
boot-why-not_approved = personne ne l'a approuvé à temps
boot-why-never_reported = il n'a jamais réussi à lancer l'agent
boot-why-rule = une règle le laisse tranquille
boot-why-unsupported = il n'y a pas de chargeur pour son architecture
boot-why-no_assets = les fichiers de démarrage ne sont pas là
boot-why-no_tftp = le serveur TFTP ne tourne pas
boot-why-no_http = le serveur HTTP de démarrage ne tourne pas
boot-why-relayed = il demande à travers un relais
boot-why-not_for_a_proxy = ce message est pour le serveur qui donne les adresses
boot-why-other_server = il a choisi un autre serveur
boot-why-not_booting = il ne veut pas démarrer
boot-why-no_address = il n'a pas encore d'adresse
boot-why-no_subnet = aucun [[dhcp_subnet]] ne contient son réseau
boot-why-no_address_left = il ne reste aucune adresse pour lui
boot-why-not_its_address = l'adresse qu'il nomme n'est pas de celles qu'il peut avoir
boot-why-missing = ce fichier n'existe pas
boot-cause-booted = Le poste a démarré : son agent s'est présenté.
boot-fix-booted = Rien.
boot-cause-going = Il est en train de démarrer.
boot-fix-going = Patientez un instant ; cette page suit.
boot-cause-on-purpose = Il a été laissé tranquille exprès : { $why }.
boot-fix-on-purpose = S'il doit démarrer par le réseau malgré tout, faites-le réinterroger sur sa page ou ouvrez un déploiement ; puis relancez-le une fois par le réseau.
boot-cause-not-ready = Ce boîtier ne peut rien démarrer en ce moment : { $why }.
boot-fix-not-ready = Lancez « reprise boot assets build », et lisez les ennuis sur la page d'accueil.
boot-cause-wrong-architecture = Son micrologiciel est d'une architecture sans chargeur ici (numéro { $arch }).
boot-fix-wrong-architecture = Seuls les PC à processeur x86-64 sont servis. Si c'en est un, choisissez l'UEFI en 64 bits dans son micrologiciel, au lieu de 32 bits ou d'EBC ; sinon, utilisez le support de son constructeur.
boot-cause-missing-file = Il a demandé { $file }, qui n'existe pas.
boot-fix-missing-file = Lancez « reprise boot assets build » ; si le fichier est l'un des vôtres, mettez-le là où le menu de démarrage le nomme.
boot-cause-agent-silent = Le noyau et l'initramfs sont arrivés, et l'agent ne s'est jamais présenté.
boot-fix-agent-silent = Regardez son écran : un message sur la carte réseau dit qu'un pilote manque ; rien du tout, qu'un pare-feu le sépare du port de cette console. Vérifiez aussi que son câble mène au même réseau qu'avant le lancement du noyau (adaptateurs USB, stations d'accueil).
boot-cause-secure-boot = Secure Boot a refusé { $file } : le chargeur est arrivé entier et n'a jamais tourné.
boot-fix-secure-boot = Laissez-le actif : choisissez UEFI HTTP Boot au lieu de PXE dans son menu de démarrage, ou démarrez-le d'une clé de « reprise boot stick » ; les deux sont signés. À défaut, désactivez Secure Boot dans son micrologiciel (F2, F10 ou Suppr à l'allumage ; Security ou Boot → Secure Boot → Disabled), et réactivez-le après le déploiement.
boot-cause-third-party-ca = Son micrologiciel a refusé le chargeur signé { $file } : il ne fait pas confiance à l'autorité de Microsoft pour les autres systèmes.
boot-fix-third-party-ca = Dans son micrologiciel : Lenovo, Security → Secure Boot → Allow Microsoft 3rd Party UEFI CA → On ; Dell, Secure Boot → Enable Microsoft UEFI CA ; HP, Secure Boot Configuration → Enable MS UEFI CA key ; Surface, Secure Boot → Microsoft & 3rd party CA.
boot-cause-loader-did-not-start = { $file } est arrivé entier et n'a pas démarré.
boot-fix-loader-did-not-start = Mettez son micrologiciel à jour ; s'il a les deux, essayez l'autre façon de démarrer (UEFI au lieu du BIOS, HTTP Boot au lieu de PXE).
boot-cause-transfer-cut = { $file } s'est interrompu après { $bytes } sur { $of }.
boot-fix-transfer-cut = Regardez son câble et son port du commutateur (erreurs, 100 Mbit/s en semi-duplex) ; si cela casse chaque fois au même endroit, cherchez un tunnel ou un VPN qui réduit les paquets en chemin (MTU).
boot-cause-tftp-data-blocked = Il demande des fichiers en TFTP, et pas un bloc ne lui parvient.
boot-fix-tftp-data-blocked = TFTP répond d'un autre port que le 69 : laissez passer l'UDP de ce boîtier vers le poste sur tous les ports, dans le pare-feu qui les sépare, ou activez-y l'assistant TFTP.
boot-cause-tftp-blocked = Il sait où est son chargeur et ne le demande jamais : le port UDP 69 est probablement bloqué en chemin.
boot-fix-tftp-blocked = Ouvrez le port UDP 69 du poste vers ce boîtier dans les pare-feu qui les séparent.
boot-cause-http-blocked = Il sait où sont ses fichiers et ne les demande jamais : le port du démarrage par HTTP est probablement bloqué en chemin.
boot-fix-http-blocked = Ouvrez le port TCP du démarrage par HTTP (8067, sauf si vous en avez choisi un autre) du poste vers ce boîtier dans les pare-feu qui les séparent.
boot-cause-own-firewall = Le pare-feu de ce boîtier arrête lui-même ce que le poste envoie au port { $port }.
boot-fix-own-firewall = Ouvrez les ports UDP 67, 69 et 4011 sur ce boîtier (nft list ruleset, ufw status ou firewall-cmd --list-all montre qui les ferme), et le port TCP du démarrage par HTTP.
boot-cause-port-4011 = Il a pris une adresse et n'a jamais demandé son chargeur à ce boîtier : le port UDP 4011 est probablement bloqué en chemin.
boot-fix-port-4011 = Ouvrez les ports UDP 4011 et 69 du poste vers ce boîtier, dans les pare-feu et les règles de commutateur qui les séparent.
boot-cause-answers-lost = Il interroge ce boîtier encore et encore, et nos réponses ne lui parviennent pas.
boot-fix-answers-lost = Laissez passer l'UDP du port 4011 de ce boîtier vers le poste, dans les pare-feu et les règles de commutateur qui les séparent.
boot-cause-option-60 = Le serveur DHCP { $server } dit qu'il démarre des PC (option 60) et ne nomme aucun fichier : le poste l'interroge, en vain.
boot-fix-option-60 = Retirez l'option 60 (« PXEClient ») de la configuration de { $server } ; sous Windows Server : DHCP → IPv4 → Options de serveur et Options d'étendue → 060 PXEClient. Les options 66 et 67 ne servent pas non plus.
boot-cause-foreign-proxy = Un autre serveur de démarrage a répondu : { $server }.
boot-fix-foreign-proxy = Désactivez les réponses PXE de { $server } (WDS, SCCM, FOG, options 66 et 67 d'un routeur ou d'un serveur DHCP), ou démarrez ce poste avec lui.
boot-cause-another-reprise = Un autre Reprise a répondu : { $server }.
boot-fix-another-reprise = Mettez dhcp = "off" pour ce réseau sur l'un des deux.
boot-cause-two-servers = Plusieurs serveurs DHCP lui répondent : { $servers }. Lequel il prend change d'un jour à l'autre.
boot-fix-two-servers = Éteignez l'un d'eux. Celui qu'on a oublié est souvent une box Wi-Fi, un NAS ou un serveur d'essai ; son adresse MAC dans la table du commutateur dit sur quel port il est.
boot-cause-other-subnet = { $server } lui a donné l'adresse { $address }, qui n'est pas du réseau de ce boîtier.
boot-fix-other-subnet = Deux réseaux se partagent ce câble : mettez son port du commutateur dans le bon VLAN, ou laissez le routeur passer l'UDP 67, 69 et 4011 entre les deux.
boot-cause-no-address-server = Personne ne lui donne d'adresse : aucun serveur DHCP n'a été entendu.
boot-fix-no-address-server = Vérifiez que le serveur DHCP (souvent la box du fournisseur) tourne et a des adresses libres, et que le port du commutateur est dans son VLAN.
boot-cause-no-subnet = Ce boîtier donne les adresses, et aucune de son réseau : l'adresse de l'interface n'est d'aucun [[dhcp_subnet]].
boot-fix-no-subnet = Ajoutez un [[dhcp_subnet]] qui contient l'adresse de l'interface, ou corrigez cette adresse.
boot-cause-no-subnet-behind-relay = Il demande à travers le relais { $relay }, dont aucun [[dhcp_subnet]] de ce boîtier ne contient le réseau.
boot-fix-no-subnet-behind-relay = Ajoutez un [[dhcp_subnet]] pour le réseau derrière { $relay }, ou retirez ce boîtier de la liste de serveurs de ce relais.
boot-cause-no-address-left = Ce boîtier donne les adresses, et il n'en restait aucune pour lui.
boot-fix-no-address-left = Agrandissez « ranges » dans son [[dhcp_subnet]] ou raccourcissez « lease » ; « reprise dhcp leases » montre qui les a. Approuver le poste, ou une réservation, lui garde une place.
boot-cause-address-refused = Il continue de demander une adresse qui est celle d'une autre machine, ou d'aucune plage donnée ici.
boot-fix-address-refused = Éteignez-le puis rallumez-le, pour qu'il en demande une nouvelle. Si cela revient : « reprise dhcp leases » montre qui a l'adresse ; une adresse fixe dans son micrologiciel doit être retirée.
boot-cause-asked-without-address = Il a interrogé le port 4011 sans dire à quelle adresse lui répondre.
boot-fix-asked-without-address = Mettez à jour son micrologiciel. Là où ce boîtier donne lui-même les adresses (« dhcp = "server" »), il n'y a pas de seconde question.
boot-cause-snooping = Nos propositions ne lui parviennent probablement pas : le commutateur jette peut-être les réponses DHCP du port de ce boîtier (DHCP snooping).
boot-fix-snooping = Déclarez de confiance le port du commutateur où est ce boîtier. Cisco : ip dhcp snooping trust sur l'interface ; HPE et Aruba : dhcp-snooping trust ; Netgear et TP-Link : DHCP Snooping → Trusted Port.
boot-cause-firmware-gave-up = Son micrologiciel a entendu les propositions et n'en a suivi aucune ; d'autres postes les suivent.
boot-fix-firmware-gave-up = Relancez-le et choisissez sa carte réseau dans le menu de démarrage (F12, F9 ou Échap) ; essayez l'autre entrée des deux (IPv4 PXE, HTTP Boot) ; mettez son micrologiciel à jour.
boot-cause-guest-isolation = Ses diffusions arrivent et rien d'autre : il est probablement sur un réseau invité, ou la box isole ses clients les uns des autres.
boot-fix-guest-isolation = Branchez-le sur un port du réseau du bureau ; sur la box ou la borne, désactivez l'isolation des clients (AP isolation, réseau privé).
boot-cause-port-fast = Ses premières demandes se sont perdues : le port du commutateur ne transmet probablement qu'une demi-minute après l'arrivée du câble (spanning tree).
boot-fix-port-fast = Activez le démarrage rapide de ce port. Cisco : spanning-tree portfast ; HPE et Aruba : spanning-tree port admin-edge-port ; Netgear et TP-Link : STP → Fast Link ou Edge Port. Ou relancez-le sans l'éteindre.
boot-cause-dot1x = Le commutateur demande qui est là (802.1X), et un micrologiciel n'a pas de compte pour répondre.
boot-fix-dot1x = Mettez ce port dans un VLAN de déploiement sans 802.1X, autorisez son adresse MAC (MAB), ou démarrez-le avec une clé de démarrage.
boot-cause-nothing-heard = Personne n'est entendu sur ce réseau.
boot-fix-nothing-heard = Regardez le câble et le VLAN de ce boîtier, et si interface, dans la configuration, nomme la bonne carte.
boot-cause-network-stack-off = Son système est entendu sur le réseau, son micrologiciel n'a jamais demandé à en démarrer.
boot-fix-network-stack-off = Dans son micrologiciel, activez la pile réseau (UEFI Network Stack, PXE Boot to LAN, Onboard LAN Option ROM) et choisissez une fois la carte réseau dans le menu de démarrage (F12, F9 ou Échap).
boot-cause-never-asked = Ce poste n'a jamais été entendu ; d'autres le sont.
boot-fix-never-asked = Choisissez sa carte réseau dans le menu de démarrage à l'allumage. Si son écran montre pourtant « Start PXE over IPv4 », son câble ou son VLAN mène ailleurs.
boot-cause-unknown = Ce qui a été vu ne correspond à aucune cause connue.
boot-fix-unknown = Regardez son écran à la dernière étape de la liste ci-dessous, et les paquets dans Wireshark.
boot-seen-asked = Il a demandé { $value } fois.
boot-seen-never-asked = Aucune demande de son micrologiciel n'a été entendue.
boot-seen-offered = Nous avons proposé { $value } fois.
boot-seen-took = Il a pris l'adresse de { $value }.
boot-seen-took-none = Il n'a pris aucune proposition, de personne.
boot-seen-heard = Une proposition de { $value } a été entendue.
boot-seen-heard-nobody = Aucune proposition d'un autre serveur n'a été entendue.
boot-seen-no-4011 = Aucune question n'est arrivée au port 4011.
boot-seen-asked-4011 = Il a interrogé le port 4011 { $value } fois, et il lui a été répondu.
boot-seen-whole = { $value } est arrivé entier.
boot-seen-silent-for = Plus rien pendant { $value } s.
boot-seen-next-entry = Son micrologiciel est passé à la façon suivante de démarrer.
boot-seen-secure-boot-on = Secure Boot était actif quand son agent a tourné la dernière fois.
boot-seen-first-secs = Sa première demande arrivée n'était pas la première : il demandait depuis { $value } s.
boot-seen-spanning-tree = Le commutateur pratique le spanning tree sur le port de ce boîtier.
boot-seen-dot1x = Le commutateur demande un compte (802.1X) au port même de ce boîtier.
boot-seen-looked-for-us = Il a cherché ce boîtier (ARP) et n'a rien envoyé ensuite.
boot-seen-others-followed = D'autres postes suivent nos propositions ici.
boot-seen-nobody-followed = Aucun poste n'a suivi nos propositions ici cette semaine.
boot-seen-system-asked = Son système a demandé une adresse sur ce réseau.
boot-seen-at-card = Le paquet pour le port { $value } est arrivé à la carte réseau.
fact-boots-fail = { $name } a échoué { $times } fois de suite à démarrer par le réseau : { $cause }
told-two-dhcp = deux serveurs DHCP répondent au même PC sur { $interface } : { $one } et { $other }. Éteignez l'un d'eux ; un PC prend celui qui est le plus rapide.
told-gives-too = un autre serveur DHCP, { $server }, donne aussi des adresses sur { $interface }. Éteignez-le, ou mettez « dhcp = "proxy" » pour { $same } ici si c'est lui qui doit le faire.
told-option-60 = le serveur DHCP { $server } sur { $interface } dit qu'il démarre des PC (option 60 « PXEClient ») et ne nomme aucun fichier. Retirez l'option 60 de sa configuration : les PC en UEFI l'interrogent à la place de ce boîtier.
told-foreign-proxy = un autre serveur de démarrage, { $server }, répond aux PC sur { $interface } (WDS, FOG, SCCM…). Désactivez ses réponses PXE, ou mettez « dhcp = "off" » pour { $same } ici.
told-another-reprise = un autre Reprise, { $server }, répond aux PC sur { $interface }. Mettez « dhcp = "off" » pour ce réseau sur l'un des deux.
told-deaf = les autres serveurs sur { $interface } ne peuvent pas être entendus ({ $error }). Donnez à reprise le droit CAP_NET_RAW ; d'ici là, les causes des démarrages manqués sont devinées avec moins.
boot-kind-not-ready = ce boîtier n'a rien pour le démarrer
boot-kind-wrong-architecture = pas de chargeur pour son architecture
boot-kind-missing-file = un fichier qui n'existe pas
boot-kind-agent-silent = l'agent ne se présente jamais
boot-kind-secure-boot = Secure Boot, probablement
boot-kind-third-party-ca = un chargeur signé auquel son micrologiciel ne se fie pas, probablement
boot-kind-loader-did-not-start = le chargeur ne démarre pas
boot-kind-transfer-cut = des transferts qui s'interrompent
boot-kind-tftp-data-blocked = TFTP bloqué au retour, probablement
boot-kind-tftp-blocked = port UDP 69 bloqué, probablement
boot-kind-http-blocked = port du démarrage par HTTP bloqué, probablement
boot-kind-own-firewall = le pare-feu de ce boîtier
boot-kind-port-4011 = port UDP 4011 bloqué, probablement
boot-kind-answers-lost = des réponses du port 4011 qui n'arrivent pas
boot-kind-option-60 = l'option 60 du serveur DHCP
boot-kind-foreign-proxy = un autre serveur de démarrage
boot-kind-another-reprise = un autre Reprise
boot-kind-two-servers = plusieurs serveurs DHCP
boot-kind-other-subnet = une adresse d'un autre réseau
boot-kind-no-address-server = pas de serveur DHCP
boot-kind-no-subnet = aucun [[dhcp_subnet]] pour son réseau
boot-kind-no-subnet-behind-relay = un relais dont aucun [[dhcp_subnet]] ne contient le réseau
boot-kind-no-address-left = il ne restait aucune adresse
boot-kind-address-refused = une adresse qu'il ne peut pas avoir
boot-kind-asked-without-address = aucune adresse où répondre, sur le port 4011
boot-kind-snooping = DHCP snooping du commutateur, probablement
boot-kind-firmware-gave-up = son micrologiciel ne suit aucune proposition
boot-kind-guest-isolation = un réseau invité, probablement
boot-kind-port-fast = un port de commutateur qui transmet tard, probablement
boot-kind-dot1x = 802.1X
boot-kind-nothing-heard = personne n'est entendu sur le réseau
boot-kind-network-stack-off = la pile réseau de son micrologiciel est désactivée, probablement
boot-kind-never-asked = il n'a jamais demandé
boot-kind-unknown = aucune cause connue
boot-why-aborted = il a mis fin lui-même au transfert ({ $error })
boot-why-unanswered = il n'a jamais répondu
boot-why-stopped_answering = il a cessé de répondre
boot-why-unreachable = il a fermé son port
boot-why-asked_again = il a redemandé
boot-why-crowded = trop de transferts à la fois
boot-why-server_stopped = le serveur de ce boîtier a été arrêté
boot-why-bad_relay = l'adresse de son relais n'en est pas une qu'un relais puisse avoir
fact-address-in-use = L'adresse { $address } est utilisée par la carte réseau { $mac }, qui ne l'a pas reçue de ce boîtier : personne d'autre ne la reçoit pendant un temps
fact-address-in-use-unknown = L'adresse { $address } est utilisée par une machine derrière un routeur, qui ne l'a pas reçue de ce boîtier : personne d'autre ne la reçoit pendant un temps
fact-address-declined = { $by } a trouvé l'adresse reçue, { $address }, déjà utilisée par { $mac } : personne ne la reçoit pendant un jour
fact-address-declined-unknown = { $by } a trouvé l'adresse reçue, { $address }, déjà utilisée : personne ne la reçoit pendant un temps
fact-leases-damaged = { $n ->
    [one] Une ligne du fichier des baux était abîmée ou manquait, et a été laissée de côté ; chaque adresse est vérifiée sur le réseau avant d'être donnée
   *[other] { $count } lignes du fichier des baux étaient abîmées ou manquaient, et ont été laissées de côté ; chaque adresse est vérifiée sur le réseau avant d'être donnée
 }
fact-address-released = Adresse { $address } rendue par { $by }
fact-packet-ignored = Un paquet DHCP de { $sender } sur { $interface } est resté sans réponse : { $why }. Si cela continue, cherchez son port de commutateur par cette carte, et son logiciel
boot-why-short = il est plus court qu'un message DHCP
boot-why-not_a_request = c'est une réponse, et personne n'avait rien demandé
boot-why-not_ethernet = il ne vient pas d'une carte Ethernet
boot-why-bad_mac = l'adresse matérielle qu'il contient n'est celle d'aucune carte
boot-why-not_dhcp = il n'a pas d'options DHCP (BOOTP)
boot-why-truncated = une de ses options dépasse sa fin
boot-why-no_type = il ne dit pas ce qu'il veut (aucun type de message)
boot-why-too_many_relays = il a traversé plus de huit relais
boot-why-nothing_relayed = un relais n'a rien transmis dedans
boot-why-bad_client = son identifiant de client n'en est pas un
told-leases-unwritten = les baux ne peuvent pas être écrits ({ $error }), aucune adresse n'est donc donnée. Faites de la place sur le disque du dossier d'état, ou examinez-le avec « dmesg ».
told-no-address-left = il ne reste aucune adresse de { $subnet } pour de nouvelles machines, les { $total } sont données ; celles qui en ont une la gardent. Agrandissez « ranges » dans son [[dhcp_subnet]] ou raccourcissez « lease » ; si des cartes inconnues les ont toutes prises d'un coup, « reprise dhcp leases » les nomme : cherchez leur port de commutateur.
told-no-subnet = l'interface { $interface } a l'adresse { $address }, qu'aucun [[dhcp_subnet]] ne contient : les machines de son propre câble n'en reçoivent pas. Ajoutez un sous-réseau, ou corrigez l'adresse.
told-strange-relays = les machines derrière { $relays } demandent des adresses à { $interface } par un relais et n'en reçoivent pas : aucun [[dhcp_subnet]] ne contient ce réseau. Ajoutez-en un, ou retirez ce boîtier de la liste de serveurs du relais.
told-addresses-unasked = il est impossible de demander sur { $interface } si une adresse est utilisée ({ $error }). Donnez à reprise la capacité CAP_NET_RAW ; d'ici là les adresses sont données sans vérification.
