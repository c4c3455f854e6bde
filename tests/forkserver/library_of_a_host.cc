// The library that is updated under updated_host.cc: one source, two builds.
extern "C" int BuildOfTheLibrary() { return BUILD_OF_THE_LIBRARY; }
