# What the guest side of the bench needs, and nothing else does: build/guest/.

GUEST_BENCH := $(addprefix build/guest/,icount.so mark flood empty.bpf.o)
GUEST_FLAGS := -std=gnu11 -O2 -Wall -Wextra -Werror

.PHONY: bench-native
bench-native: $(GUEST_BENCH)

build/guest/icount.so: test/bench/native/icount.c test/bench/native/mark.h
	@mkdir -p $(@D)
	$(CC) $(GUEST_FLAGS) -shared -fPIC -fvisibility=hidden -o $@ $<

build/guest/mark: test/bench/native/mark.c test/bench/native/mark.h
	@mkdir -p $(@D)
	$(CC) $(GUEST_FLAGS) -static -o $@ $<

build/guest/flood: test/bench/native/flood.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_FLAGS) -static -o $@ $<

build/guest/empty.bpf.o: test/bench/native/empty.bpf.c
	@mkdir -p $(@D)
	clang $(BPF_FLAGS) -c $< -o $@
	llvm-strip -g $@
