/* SPDX-License-Identifier: MIT */
/* What a compiler says of a source, to who wrote that. */
#ifndef DEVICE_HOST_COMPLAINT_H
#define DEVICE_HOST_COMPLAINT_H

#define COMPLAINT_DECLARATIONS "declarations" /* the file of the text that kernel/source puts before it */

/* Where there is an error in the source itself, lines of the text around it go: that is what the error brings about there. */
void gpumm__complaint_cut(char *text);

#endif
