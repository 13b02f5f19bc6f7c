dnl The version comes from git; a release tarball carries it in the file .tarball-version.
m4_define([TAILWATER_VERSION], m4_esyscmd_s([
	if test -f .tarball-version; then cat .tarball-version
	else git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null | sed -e 's/^v//' -e '/\./!s/^/0.1.0+g/' | grep . || echo 0.1.0
	fi]))
