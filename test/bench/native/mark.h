/*
 * A mark: an instruction that does nothing and that no compiler emits, an
 * eight-byte nop whose displacement is the number of the mark and a signature.
 */
#define MARK_BYTES 8
#define MARK_HEAD_BYTES 0x0f, 0x1f, 0x84, 0x00
#define MARK_TAIL_BYTES 0xc0, 0x17, 0x7a
#define MARK_MOST 9
