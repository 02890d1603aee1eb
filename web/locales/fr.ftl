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
reason-never-restored = La copie sur { $target } n'a jamais été restaurée pour de vrai.
reason-proof-failed = La dernière restauration d'essai depuis { $target } a échoué : { $detail }
reason-proof-too-old = La dernière restauration d'essai depuis { $target } date du { $date } : plus de { $limit }.
reason-dies = La copie sur { $target } disparaît avec ce boîtier : il en faut une ailleurs.
reason-key = Le mot de passe du coffre { $target } n'a pas été ressaisi depuis le papier : personne n'a montré qu'il existe hors de ce boîtier.

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
fact-run-started = Sauvegarde de { $plan } vers { $target } commencée
fact-run-finished = { $n ->
    [0] Sauvegarde de { $plan } vers { $target } : { $outcome } ({ $read } lus, { $stored } ajoutés, { $took })
    [one] Sauvegarde de { $plan } vers { $target } : { $outcome }, { $count } problème ({ $read } lus, { $stored } ajoutés, { $took })
   *[other] Sauvegarde de { $plan } vers { $target } : { $outcome }, { $count } problèmes ({ $read } lus, { $stored } ajoutés, { $took })
 }
fact-proof-passed = { $n ->
    [one] { $plan } restauré pour de vrai depuis { $target } : { $count } fichier, { $bytes }, point { $snapshot }, sans différence ({ $took })
   *[other] { $plan } restauré pour de vrai depuis { $target } : { $count } fichiers, { $bytes }, point { $snapshot }, sans différence ({ $took })
 }
fact-proof-failed = { $n ->
    [one] La restauration d'essai de { $plan } depuis { $target } a échoué : { $count } fichier, { $bytes }, point { $snapshot } ({ $took })
   *[other] La restauration d'essai de { $plan } depuis { $target } a échoué : { $count } fichiers, { $bytes }, point { $snapshot } ({ $took })
 }
fact-restored = { $n ->
    [one] Restauration du point { $snapshot } vers { $destination } par { $by } : { $outcome } ({ $count } fichier, { $bytes }, { $took })
   *[other] Restauration du point { $snapshot } vers { $destination } par { $by } : { $outcome } ({ $count } fichiers, { $bytes }, { $took })
 }
fact-downloaded = { $by } a téléchargé { $path } du point { $snapshot }
fact-image-imported = Image { $name } importée ({ $bytes })
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
