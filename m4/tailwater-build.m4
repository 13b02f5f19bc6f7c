dnl Switches of the build: warnings, sanitizers, fuzzing.

AC_DEFUN([TAILWATER_WARNINGS], [
	AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [treat warnings as errors])],
		[], [enable_werror=no])
	TW_CFLAGS="-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -fno-strict-aliasing"
	AS_IF([test "$enable_werror" = yes], [TW_CFLAGS="$TW_CFLAGS -Werror"])
	AC_SUBST([TW_CFLAGS])
])

AC_DEFUN([TAILWATER_SANITIZER], [
	AC_ARG_WITH([sanitizer],
		[AS_HELP_STRING([--with-sanitizer=LIST], [compile with sanitizers: address,undefined or thread])],
		[], [with_sanitizer=no])
	AS_CASE([$with_sanitizer],
		[no], [],
		[yes], [with_sanitizer=address,undefined])
	AS_IF([test "$with_sanitizer" != no], [
		TW_CFLAGS="$TW_CFLAGS -fsanitize=$with_sanitizer -fno-omit-frame-pointer -fno-sanitize-recover=all"
		TW_LDFLAGS="$TW_LDFLAGS -fsanitize=$with_sanitizer"
	])
	AM_CONDITIONAL([THREAD_SANITIZER], [test "$with_sanitizer" = thread])
	AC_SUBST([TW_LDFLAGS])
])

AC_DEFUN([TAILWATER_FUZZING], [
	AC_ARG_ENABLE([fuzzing],
		[AS_HELP_STRING([--enable-fuzzing], [build the fuzz targets with libFuzzer (needs clang)])],
		[], [enable_fuzzing=no])
	dnl The fuzzer sees only what counts its branches: all of the program, not the target alone.
	AS_IF([test "$enable_fuzzing" = yes], [
		TW_CFLAGS="$TW_CFLAGS -fsanitize=fuzzer-no-link"
		TW_LDFLAGS="$TW_LDFLAGS -fsanitize=fuzzer-no-link"
	])
	AM_CONDITIONAL([FUZZING], [test "$enable_fuzzing" = yes])
])
