#!/bin/sh
# The OCI runtime of Boxship: runc, with the network namespace that is ready for the container, and its pod's IPC namespace
# where it has a pod. What enter.py says holds here too. This does the same to a config.json that is written exactly as dockerd writes it, in a fraction of the time that
# an interpreter takes to start; everything else is left to enter.py.
#
# Why that is safe: inside of a JSON string every quote has a backslash before it, so the patterns below, which hold quotes
# without one, never match in what a container's owner chose. dockerd before 28 has its network hook and no other; later ones
# have none (moby, daemon/start_linux.go).

case " $* " in
*" create "*) ;;
*) exec @RUNC@ "$@" ;;
esac

carefully() {
    exec @PYTHON@ -IS @ENTER@ @RUNC@ @SANDBOXES@ "$@"
}

bundle='' last=''
for word; do
    [ "$last" != --bundle ] || bundle=$word
    last=$word
done
config=$bundle/config.json
{ { read -r sandbox && { read -r ipc || :; }; } <@SANDBOXES@/"${last##*/}"; } 2>/dev/null || carefully "$@"
case $sandbox$ipc in
*[!A-Za-z0-9/_.-]* | '') carefully "$@" ;;
esac
kinds=$(stat -f -c %T "$sandbox" ${ipc:+"$ipc"} 2>/dev/null)
[ "$kinds" = "nsfs${ipc:+
nsfs}" ] || carefully "$@"
join='s#^##'
[ -z "$ipc" ] || join='s#("namespaces":\[[^]]*\{"type":"ipc")\}#\1,"path":"'"$ipc"'"}#'
sed -z -n -E \
    -e "$join" -e 't net' -e 'b' -e ':net' \
    -e 's#("namespaces":\[[^]]*\{"type":"network")\}#\1,"path":"'"$sandbox"'"}#' -e 't hook' -e 'b' -e ':hook' \
    -e 's#"hooks":\{"prestart":\[\{"path":"/proc/[^"\]*","args":\["libnetwork-setkey"(,"[^"\]*")*\]\}\]\}#"hooks":{}#' \
    -e 't done' -e '/"hooks":/b' -e ':done' -e 'p' "$config" >"$config.new" 2>/dev/null
[ -s "$config.new" ] && mv -f "$config.new" "$config" || carefully "$@"
exec @RUNC@ "$@"
