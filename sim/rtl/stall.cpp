// The seed of the stalls at the tiles' ports (see weft_stall.sv): 0, or absent, for none.

#include <cstdlib>

extern "C" int weft_stall_seed() {
    const char* text = std::getenv("WEFT_STALLS");
    return text ? static_cast<int>(std::strtoul(text, nullptr, 10)) : 0;
}
