// Leak sanitizer asks for this, where there is one. What fontconfig has is reachable, by distances
// rather than by addresses; what this library loses of fontconfig's is not seen either.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }
