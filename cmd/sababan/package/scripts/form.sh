# What sababan remembers is written in a form that has a number, and an older
# program cannot read a newer form. In SQLite's header the number may be behind
# while a daemon runs, so what the installed program writes counts as well.
refuse_newer_state() {
  state=/var/lib/sababan/state.db
  knows=@STATE_VERSION@
  [ -s "$state" ] || return 0
  has=$(od -An -tu1 -j60 -N4 "$state" | { read -r a b c d && echo $((((a * 256 + b) * 256 + c) * 256 + d)); }) || has=0
  writes=$(cat /usr/lib/sababan/state-version 2>/dev/null) || writes=0
  [ "$writes" -gt "$has" ] && has=$writes
  [ "$has" -gt "$knows" ] || return 0
  cat >&2 <<END
sababan @VERSION@ is older than the sababan that was here: it cannot read what
that one remembers ($state, version $has; this one knows up to $knows).
Nothing has been changed. Keep the newer one, or go back and let all be forgotten:
  sudo systemctl stop sababan
  sudo mv /var/lib/sababan /var/lib/sababan.newer
END
  return 1
}
