// Package packaged installs the Debian package as an administrator does, in clean Debian containers
// under a real systemd (build tag live): the quick start of the documents, from `apt install` to the
// first record, beside Debian's own Asterisk; and the life of a package: start, reload, upgrade with
// an open call, hang, removal, purge.
//
// In: the package that scripts/deb makes of this tree, and Docker. Nothing of the gateway is
// imported: what is looked at is what systemd, apt and the command itself print.
package packaged
