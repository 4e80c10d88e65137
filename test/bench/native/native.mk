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

# What `npm run bench:scale` needs: producers in threads.
SCALE_SOURCES := $(addprefix test/bench/native/,traffic.c feed.c contend.c) native/memory_ring.c
SCALE_HEADERS := $(addprefix test/bench/native/,traffic.h feed.h contend.h) native/memory_ring.h \
		 native/ring.h bpf/record.h

.PHONY: bench-scale-native
bench-scale-native: build/native/scale.so

build/native/scale.so: $(SCALE_SOURCES) $(SCALE_HEADERS) native/native.mk test/bench/native/native.mk
	$(call native_link,-O2 -g -fPIC -shared -fvisibility=hidden -Ibpf -Itest/bench/native)
