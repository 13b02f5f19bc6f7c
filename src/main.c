/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

int main(void)
{
	return 0;
}
