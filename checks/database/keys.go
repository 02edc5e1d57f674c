package database

import "github.com/sababan/sababan/checks"

// A key is what Mastodon takes for unique in a table, and what
// `tootctl maintenance fix-duplicates` makes unique again.
type key struct {
	Table string
	// Columns are those that it is made of.
	Columns []string
	// By are the expressions that are compared, where they are not the columns
	// themselves; Where says which rows count.
	By    []string
	Where string
	// Index is the one that keeps it unique, Old what it was called before.
	Index, Old string
	// Class is the operator class of the index's only column.
	Class string
	// Closed says that its columns are not for us to read: addresses, tokens,
	// addresses with tokens in them, credentials. Its index is looked after all
	// the same.
	Closed bool
}

// keys are those of Mastodon 4.2 to 4.7 and of what is left of older ones.
var keys = []key{
	{Table: "accounts", Columns: []string{"username", "domain"}, By: []string{"lower(username)", "coalesce(lower(domain), '')"}, Index: "index_accounts_on_username_and_domain_lower"},
	{Table: "statuses", Columns: []string{"uri"}, Where: "uri is not null", Class: "text_pattern_ops", Index: "index_statuses_on_uri"},
	{Table: "tags", Columns: []string{"name"}, By: []string{"lower(name)"}, Class: "text_pattern_ops", Index: "index_tags_on_name_lower_btree", Old: "index_tags_on_name_lower"},
	{Table: "conversations", Columns: []string{"uri"}, Where: "uri is not null", Class: "text_pattern_ops", Index: "index_conversations_on_uri"},
	{Table: "media_attachments", Columns: []string{"shortcode"}, Where: "shortcode is not null", Class: "text_pattern_ops", Index: "index_media_attachments_on_shortcode"},
	{Table: "preview_cards", Columns: []string{"url"}, Index: "index_preview_cards_on_url"},
	{Table: "custom_emojis", Columns: []string{"shortcode", "domain"}, Index: "index_custom_emojis_on_shortcode_and_domain"},
	{Table: "custom_emoji_categories", Columns: []string{"name"}, Index: "index_custom_emoji_categories_on_name"},
	{Table: "account_domain_blocks", Columns: []string{"account_id", "domain"}, Index: "index_account_domain_blocks_on_account_id_and_domain"},
	{Table: "account_identity_proofs", Columns: []string{"account_id", "provider", "provider_username"}, Index: "index_account_proofs_on_account_and_provider_and_username"},
	{Table: "announcement_reactions", Columns: []string{"account_id", "announcement_id", "name"}, Index: "index_announcement_reactions_on_account_id_and_announcement_id"},
	{Table: "domain_allows", Columns: []string{"domain"}, Index: "index_domain_allows_on_domain"},
	{Table: "domain_blocks", Columns: []string{"domain"}, Index: "index_domain_blocks_on_domain"},
	{Table: "unavailable_domains", Columns: []string{"domain"}, Index: "index_unavailable_domains_on_domain"},
	{Table: "email_domain_blocks", Columns: []string{"domain"}, Index: "index_email_domain_blocks_on_domain"},
	{Table: "software_updates", Columns: []string{"version"}, Index: "index_software_updates_on_version"},
	{Table: "users", Columns: []string{"email"}, Index: "index_users_on_email", Closed: true},
	{Table: "users", Columns: []string{"confirmation_token"}, Index: "index_users_on_confirmation_token", Closed: true},
	{Table: "users", Columns: []string{"reset_password_token"}, Where: "reset_password_token is not null", Class: "text_pattern_ops", Index: "index_users_on_reset_password_token", Closed: true},
	{Table: "webauthn_credentials", Columns: []string{"external_id"}, Index: "index_webauthn_credentials_on_external_id", Closed: true},
	{Table: "webhooks", Columns: []string{"url"}, Index: "index_webhooks_on_url", Closed: true},
}

// reads are the columns of the keys that are open to us.
func reads() []checks.Reads {
	var list []checks.Reads
	for _, k := range keys {
		if !k.Closed {
			list = append(list, checks.Reads{Table: k.Table, Columns: k.Columns})
		}
	}
	return list
}

// by are the expressions that are compared.
func (k key) by() []string {
	if k.By != nil {
		return k.By
	}
	return k.Columns
}

// create is the statement that makes the index anew while Mastodon works.
func (k key) create() string {
	list := ""
	for i, e := range k.by() {
		if i > 0 {
			list += ", "
		}
		list += e
	}
	if k.Class != "" {
		list += " " + k.Class
	}
	sql := "CREATE UNIQUE INDEX CONCURRENTLY " + k.Index + " ON " + k.Table + " (" + list + ")"
	if k.Where != "" {
		sql += " WHERE " + k.Where
	}
	return sql
}
