include native/native.mk
