/* Types of every shape that src/kernel/btf.ts lays out. Only its BTF is used. */
typedef unsigned int u32;
typedef unsigned long long u64;

enum small { SMALL_ONE = 5, SMALL_TWO = 7 };
enum plain { PLAIN_ONE = 1, PLAIN_BIG = 0xfffffff0u };

struct pair {
	u32 left;
	short right[3];
};

struct shape {
	u64 first;
	const volatile u32 second;
	unsigned int low : 3, high : 29;
	enum small choice;
	void *pointer;
	unsigned char grid[2][5];
	union {
		struct pair one;
		struct {
			int plain;
			struct pair many[2];
		};
	};
};

struct shape keep_shape = {};
enum plain keep_plain;

int keep_function(enum small choice)
{
	return choice;
}
