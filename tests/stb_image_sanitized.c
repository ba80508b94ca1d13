// stb_image compiled with the fuzzers' sanitizers, in place of the system's library.
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
