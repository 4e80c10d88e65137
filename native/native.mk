# build/libconntrail.so and its tests. Included by the Makefile at the top.

NATIVE_SOURCES := native/drain.c native/ring.c native/memory_ring.c native/log.c native/compress.c \
		  native/merge.c native/columns.c native/pack.c native/legacy_table.c \
		  native/tally.c native/transpose.c $(wildcard native/flows/*.c) \
		  native/parquet/encoder.c native/parquet/chunk.c native/parquet/values.c native/parquet/gather.c \
		  native/parquet/bits.c native/parquet/dictionary.c native/parquet/packing.c native/parquet/bounds.c
NATIVE_HEADERS := native/drain.h native/ring.h native/memory_ring.h native/log.h native/compress.h \
		  native/merge.h native/columns.h native/flow_account.h native/legacy_table.h \
		  native/tally.h native/transpose.h $(wildcard native/flows/*.h) $(wildcard native/parquet/*.h) bpf/record.h
NATIVE_TEST_HEADERS := native/test/check.h native/test/threads_test.h native/test/log_test.h \
		       native/test/compress_test.h native/test/merge_test.h \
		       native/test/horizon_test.h native/test/chunk_test.h native/test/encoder_test.h native/test/flows_test.h native/test/small_rings.h
NATIVE_TESTS   := native/test/drain_test.c native/test/horizon_test.c native/test/check.c \
		  native/test/threads_test.c native/test/log_test.c native/test/compress_test.c \
		  native/test/merge_test.c native/test/chunk_test.c native/test/encoder_test.c native/test/flows_test.c
NATIVE_FLAGS   := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Inative -pthread

# Renamed into place: a process that has the old one loaded keeps it whole.
define native_link
@mkdir -p $(@D)
$(CC) $(NATIVE_FLAGS) $(1) -o $@.$$$$.part $(filter %.c,$^) -lzstd && mv $@.$$$$.part $@
endef

.PHONY: native native-test native-sanitize

native: build/libconntrail.so build/libconntrail-table.so

build/libconntrail.so: $(NATIVE_SOURCES) $(NATIVE_HEADERS) native/native.mk
	$(call native_link,-O2 -g -fPIC -shared -fvisibility=hidden)

build/native/drain_test: $(NATIVE_SOURCES) $(NATIVE_TESTS) $(NATIVE_HEADERS) $(NATIVE_TEST_HEADERS)
	$(call native_link,-O2 -g)

build/native/drain_test_thread: $(NATIVE_SOURCES) $(NATIVE_TESTS) $(NATIVE_HEADERS) $(NATIVE_TEST_HEADERS)
	$(call native_link,-O1 -g -fsanitize=thread -Wno-tsan)

build/native/drain_test_address: $(NATIVE_SOURCES) $(NATIVE_TESTS) $(NATIVE_HEADERS) $(NATIVE_TEST_HEADERS)
	$(call native_link,-O1 -g -fsanitize=address$(comma)undefined -fno-sanitize-recover=all)

comma := ,

native-test: build/native/drain_test build/native/table_test
	build/native/drain_test
	build/native/table_test

native-sanitize: build/native/drain_test_thread build/native/drain_test_address build/native/table_test_address build/native/table_test_thread
	build/native/drain_test_address
	build/native/table_test_address
	build/native/table_test_thread
	build/native/drain_test_thread

include native/table/native.mk
