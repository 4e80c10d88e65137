# build/libconntrail-table.so and its tests: a library of its own, so that tracing needs no netlink libraries.

TABLE_SOURCES := native/table/table.c native/table/socket.c native/table/row.c native/table/build.c \
		 native/table/change.c native/table/lines.c native/table/words.c native/table/ahead.c \
		 native/table/expect.c
TABLE_HEADERS := $(wildcard native/table/*.h)
TABLE_TESTS   := native/test/table_test.c native/test/table_messages.c native/test/expect_test.c \
		 native/test/check.c
TABLE_LIBS    := -lnetfilter_conntrack -lmnl

define table_link
@mkdir -p $(@D)
$(CC) $(NATIVE_FLAGS) -Inative/table $(1) -o $@.$$$$.part $(filter %.c,$^) $(TABLE_LIBS) && mv $@.$$$$.part $@
endef

build/libconntrail-table.so: $(TABLE_SOURCES) $(TABLE_HEADERS) native/table/native.mk | packages
	$(call table_link,-O2 -g -fPIC -shared -fvisibility=hidden)

build/native/table_test: $(TABLE_SOURCES) $(TABLE_TESTS) $(TABLE_HEADERS) native/test/table_messages.h native/test/expect_test.h
	$(call table_link,-O2 -g)

build/native/table_test_thread: $(TABLE_SOURCES) $(TABLE_TESTS) $(TABLE_HEADERS) native/test/table_messages.h native/test/expect_test.h
	$(call table_link,-O1 -g -fsanitize=thread -Wno-tsan)

build/native/table_test_address: $(TABLE_SOURCES) $(TABLE_TESTS) $(TABLE_HEADERS) native/test/table_messages.h native/test/expect_test.h
	$(call table_link,-O1 -g -fsanitize=address$(comma)undefined -fno-sanitize-recover=all)
