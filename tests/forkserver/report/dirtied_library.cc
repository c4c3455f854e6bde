// A library with so much .data that a child can write to some pages of it.
extern "C" char dirtied_library_pages[64 * 4096];
char dirtied_library_pages[64 * 4096] = {1};
