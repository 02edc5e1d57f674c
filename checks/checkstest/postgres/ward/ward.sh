# A keeper: it runs one service in a folder, starts and ends it on orders that
# it reads, and when nobody can give orders any more it ends the service and
# removes the folder. $1 is the folder, $2 the signal that ends the service
# for good, the rest the service's words.
folder=$1
last=$2
shift 2
pid=

# A stopped process sees no signal but KILL: everybody goes on first.
end() {
  for each in "$pid" $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do
    kill -CONT "$each" 2>/dev/null
  done
  kill "-$1" "$pid" 2>/dev/null
  wait "$pid"
  pid=
}

while read -r order signal; do
  case $order in
  start)
    "$@" >>"$folder/output" 2>&1 </dev/null &
    pid=$!
    echo "$pid"
    ;;
  stop)
    end "$signal"
    echo stopped
    ;;
  esac
done
[ -z "$pid" ] || end "$last"
chmod -R u+rwx "$folder" 2>/dev/null # a test may have closed it
rm -rf "$folder"
