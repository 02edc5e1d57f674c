package bot

import (
	"strings"

	"github.com/sababan/sababan/checks"
)

// measured is what the measures of the checks are called where people read them.
// What is not here is called by its name.
var measured = map[string]checks.Text{
	"accounts_inside":            {En: "accounts inside", Ja: "中のアカウント数"},
	"age":                        {En: "age", Ja: "経過"},
	"answer_seconds":             {En: "answer", Ja: "応答"},
	"answer_time":                {En: "answer", Ja: "応答"},
	"app_time":                   {En: "in Mastodon itself", Ja: "Mastodon内の処理"},
	"appeals_open":               {En: "appeals waiting", Ja: "未対応の異議申し立て"},
	"area_bytes":                 {En: "size", Ja: "サイズ"},
	"available_bytes":            {En: "available", Ja: "空き"},
	"biggest_process_bytes":      {En: "biggest process", Ja: "最大のプロセス"},
	"clients":                    {En: "clients", Ja: "接続クライアント"},
	"connections":                {En: "connections", Ja: "接続数"},
	"connections_ratio":          {En: "connections used", Ja: "接続数の使用率"},
	"database_bytes":             {En: "database", Ja: "データベースのサイズ"},
	"delete_time":                {En: "deletion", Ja: "削除"},
	"direct_time":                {En: "past the proxy", Ja: "プロキシを通さない応答"},
	"disk_life_left":             {En: "on disk, left", Ja: "ディスク上の証明書の残り"},
	"failed_ratio":               {En: "failed", Ja: "失敗率"},
	"free_bytes":                 {En: "free", Ja: "保存先の空き"},
	"get_time":                   {En: "download", Ja: "ダウンロード"},
	"handshake":                  {En: "handshake", Ja: "TLSの接続"},
	"hosts_failing":              {En: "servers not reached", Ja: "届かないサーバー"},
	"inodes_available":           {En: "inodes available", Ja: "空きinode"},
	"left":                       {En: "left", Ja: "残り"},
	"life_left":                  {En: "left", Ja: "残り"},
	"life_left_ratio":            {En: "life left", Ja: "有効期間の残り"},
	"lists_age":                  {En: "age of the package lists", Ja: "パッケージ一覧の取得から"},
	"live_accounts":              {En: "accounts", Ja: "アカウント数"},
	"mailers_failing":            {En: "mails failing", Ja: "失敗しているメール"},
	"mailers_waiting":            {En: "mails waiting", Ja: "待機中のメール"},
	"missing_migrations":         {En: "missing migrations", Ja: "未適用のマイグレーション"},
	"newer_versions":             {En: "newer versions", Ja: "新しいバージョンの数"},
	"newest_remote_age":          {En: "newest post from elsewhere", Ja: "他サーバーの最新の投稿から"},
	"offset_seconds":             {En: "offset", Ja: "ずれ"},
	"oldest_job":                 {En: "oldest job waits", Ja: "最も古いジョブの待ち"},
	"oldest_transaction_seconds": {En: "oldest transaction", Ja: "最も長いトランザクション"},
	"page_time":                  {En: "front page", Ja: "トップページ"},
	"pressure_some":              {En: "pressure", Ja: "メモリの圧迫（PSI）"},
	"processed_hour":             {En: "processed in an hour", Ja: "1時間の処理数"},
	"puma_backlog":               {En: "requests waiting for puma", Ja: "pumaの待ちリクエスト"},
	"put_time":                   {En: "upload", Ja: "アップロード"},
	"read_time":                  {En: "reading it took", Ja: "読み取りの所要時間"},
	"remote_files":               {En: "remote files", Ja: "リモートのファイル数"},
	"remote_missing_ratio":       {En: "remote files missing", Ja: "リモートのファイルの欠落"},
	"reports_open":               {En: "reports open", Ja: "未対応の通報"},
	"response_time":              {En: "response", Ja: "応答"},
	"restore_time":               {En: "restoring it took", Ja: "復元の所要時間"},
	"retry_growth":               {En: "retries added in an hour", Ja: "1時間の再試行の増加"},
	"roots":                      {En: "root certificates", Ja: "ルート証明書の数"},
	"round_trip":                 {En: "a mail takes", Ja: "メールの到着まで"},
	"row_bytes":                  {En: "per row", Ja: "1行あたり"},
	"rules":                      {En: "rules", Ja: "ルール数"},
	"security_updates":           {En: "security updates", Ja: "セキュリティ更新"},
	"servers_answering":          {En: "servers answering", Ja: "応答しているサーバー"},
	"servers_heard":              {En: "servers heard from", Ja: "投稿が届いたサーバー"},
	"servers_watched":            {En: "servers watched", Ja: "見守っているサーバー"},
	"service_restarts":           {En: "restarts", Ja: "再起動の回数"},
	"services_needed":            {En: "services needed", Ja: "必要なサービス"},
	"services_running":           {En: "services running", Ja: "動作中のサービス"},
	"signups_per_hour":           {En: "sign-ups in an hour", Ja: "1時間の新規登録"},
	"signups_waiting":            {En: "sign-ups waiting", Ja: "承認待ち"},
	"size_bytes":                 {En: "size", Ja: "サイズ"},
	"smtp_time":                  {En: "mail server", Ja: "メールサーバーの応答"},
	"statuses_inside":            {En: "posts inside", Ja: "中の投稿数"},
	"swap_io in":                 {En: "swapped in per second", Ja: "毎秒のスワップイン"},
	"swap_io out":                {En: "swapped out per second", Ja: "毎秒のスワップアウト"},
	"swap_used_bytes":            {En: "swap used", Ja: "スワップの使用量"},
	"synchronised":               {En: "kept in sync (1 is yes)", Ja: "同期（1は同期中）"},
	"timer_age":                  {En: "since the last run", Ja: "前回の実行から"},
	"timers":                     {En: "timers", Ja: "タイマー数"},
	"total_bytes":                {En: "in all", Ja: "全体"},
	"unconfirmed_share":          {En: "sign-ups unconfirmed", Ja: "メール未確認の登録"},
	"updates":                    {En: "updates", Ja: "更新"},
	"used_bytes":                 {En: "used", Ja: "使用量"},
	"used_ratio":                 {En: "used", Ja: "使用率"},
	"verified":                   {En: "servers verified", Ja: "検証できたサーバー"},
	"wal_bytes":                  {En: "pg_wal", Ja: "pg_wal"},
	"worker_bytes":               {En: "memory", Ja: "メモリ"},
}

// measureText is how a measure is called.
func measureText(name string) checks.Text {
	if t, known := measured[name]; known {
		return t
	}
	return checks.Same(spoken(name))
}

// spoken is a measure's name as people type it.
func spoken(measure string) string {
	for _, unit := range []string{"_bytes", "_ratio", "_seconds", "_count"} {
		measure = strings.TrimSuffix(measure, unit)
	}
	return strings.ReplaceAll(measure, "_", " ")
}
