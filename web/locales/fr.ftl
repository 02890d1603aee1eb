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
home-none-dies = Aucun de vos services n'est protégé ; cette copie disparaît avec ce boîtier.
home-none = Aucun de vos services n'est protégé.
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
reason-key = Le mot de passe du coffre { $target } n'a pas été ressaisi depuis le papier : personne n'a montré qu'il existe hors de ce boîtier.

reason-key-link = Le ressaisir

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
work-session = Déploiement : { $subject }
work-import = Import d'image : { $subject }
work-tidy = Place à libérer sur { $subject }
work-of = { $done } sur { $total }
work-left = encore { $left }
step-queued = attend son tour
step-scan = parcourt
step-store = range
step-restore = restaure
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
fact-host-reported = Le poste { $name } attend une approbation
fact-host-approved = Poste approuvé par { $by }
fact-host-forgotten = Poste oublié par { $by }
fact-session-opened = Déploiement sur le disque { $disk } ouvert par { $by }
fact-session-advanced = Déploiement : { $step }
fact-logged-in = { $user } s'est connecté à la console
fact-log-in-refused = Connexion refusée pour { $user }
fact-password-changed = Mot de passe de { $user } changé
fact-key-confirmed = Le mot de passe du coffre { $target } a été ressaisi par { $by }

session-opened = attend le poste
session-confirming = annoncé sur l'écran du poste
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
restore-preview = Voir ce qui sera écrit
restore-exactly = Voici exactement ce qui sera écrit
restore-totals = { $n ->
    [one] { $count } fichier, { $folders } dossiers, { $bytes }.
   *[other] { $count } fichiers, { $folders } dossiers, { $bytes }.
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
host-disks = Disques
host-nics = Cartes réseau
host-macs = Adresses matérielles
host-last-seen = Vu
disk-removable = amovible
pairing = Code affiché par le poste :
pairing-hint = Comparez avec l'écran du poste : le même code prouve que c'est bien cette machine qui parle à ce boîtier.
host-approve = Approuver { $name }
host-deploy-link = Approuver et déployer…
host-ask = Le réinterroger à son prochain démarrage réseau
host-forget = Oublier { $name }
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
session-cancel = Annuler ce déploiement
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
keys-title = Mots de passe des coffres
keys-lead = Une copie que personne ne peut ouvrir ne protège personne. Notez chaque mot de passe sur papier, gardez le papier ailleurs, et ressaisissez-le ici depuis le papier.
keys-none = Aucun coffre n'est configuré.
key-label = Coffre { $target }
key-confirmed = Ressaisi par { $by } le { $date }
key-never = Jamais ressaisi.
key-button = Vérifier le mot de passe de { $target }

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
object-proof = la restauration d'essai de { $plan } depuis { $target }
object-age = la copie de { $plan } sur { $target } est trop ancienne
object-room = la place sur la cible { $target }
object-history = l'histoire de la cible { $target }
object-messages = les messages ne partent pas ({ $channel })
letter-none-protected = 0 de vos services sont protégés.
letter-only-itself = Ce boîtier ne protège que lui-même : aucun service ne lui est confié.
letter-troubles-title = Ce qui ne va pas
letter-no-trouble = Aucun ennui en cours.
letter-trouble = { $object }, depuis le { $date } : { $sentence }
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
