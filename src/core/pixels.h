// Arithmetic on one pixel.
#ifndef IGD_CORE_PIXELS_H
#define IGD_CORE_PIXELS_H

static inline float igd_clamp(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

// 0 for what is no number.
static inline float igd_sign(float v)
{
    return (float)((v > 0.0f) - (v < 0.0f));
}

#endif
