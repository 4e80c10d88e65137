/* mark NUMBER: has the instruction counter write down its counts; nothing elsewhere. */
#include <stdio.h>
#include "mark.h"

#define TEXT_OF(...) #__VA_ARGS__
#define TEXT(...) TEXT_OF(__VA_ARGS__)
#define MARK(number)                                                                     \
	case number:                                                                     \
		__asm__ volatile(".byte " TEXT(MARK_HEAD_BYTES) ", " #number             \
				 ", " TEXT(MARK_TAIL_BYTES));                            \
		return 0

int main(int argc, char **argv)
{
	switch (argc == 2 && argv[1][1] == '\0' ? argv[1][0] - '0' : -1) {
		MARK(0);
		MARK(1);
		MARK(2);
		MARK(3);
		MARK(4);
		MARK(5);
		MARK(6);
		MARK(7);
		MARK(8);
		MARK(9);
	}
	fprintf(stderr, "mark: needed a number from 0 to %d\n", MARK_MOST);
	return 2;
}
