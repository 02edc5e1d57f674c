// Package postgres starts real PostgreSQL clusters for tests, with databases
// that have Mastodon's tables as several of its versions do, dressed healthy.
//
// A cluster listens on a Unix socket in a folder of its own, lets everybody in
// who comes there, and ends with the test's process however that ends. Its
// clock's zone is Asia/Tokyo, as a server's may be; Mastodon's times are UTC.
//
// The tables are written for these tests after the facts of Mastodon's schema:
// names, types, defaults and indexes are the true ones of the tables that
// checks may read. There are no foreign keys, and created_at and updated_at
// have a default, so that a test writes only what it is about.
package postgres
