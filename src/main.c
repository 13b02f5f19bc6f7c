/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "control/verb.h"

int main(int argc, char **argv)
{
	return command_line(argc, argv);
}
