// SPDX-License-Identifier: MIT
// gpumm.hpp without exceptions: each result is asked before it is used. Doubles numbers on the device, grows the buffer
// in place, and reads snapshots back.
//
//     c++ -std=c++17 -fno-exceptions plain.cpp $(pkg-config --cflags --libs gpumm) -o plain_cpp && ./plain_cpp
#include <gpumm.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

int failed(const char *what, gpumm::status status) {
    std::fprintf(stderr, "plain: %s: %s: %s\n", what, status.name(), status.message());
    return status.code() == GPUMM_NO_DEVICE ? 77 : EXIT_FAILURE;
}

const char source[] = "extern \"C\" __global__ void twice(int n, float *a) {\n"
                      "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
                      "    if (i < n) a[i] *= 2;\n"
                      "}\n";

bool numbers_are_right(const gpumm::frame &frame) {
    auto data = frame.data<float>();
    auto info = frame.info();
    if (!data || !info || info->length != 6) return false;
    const float *numbers = *data;
    for (int i = 0; i < 6; i++)
        if (numbers[i] != (i < 4 ? 2.0f * static_cast<float>(i + 1) : 0.0f)) return false;
    return true;
}

} // namespace

int main() {
    auto manager = gpumm::manager::open();
    if (!manager) return failed("open", manager.status());
    auto f32 = gpumm::type::parse("f32");
    if (!f32) return failed("type", f32.status());
    auto numbers = manager->allocate("numbers", *f32, 4);
    if (!numbers) return failed("allocate", numbers.status());

    const float first[4] = {1, 2, 3, 4};
    if (auto s = numbers->upload(0, 4, first); !s) return failed("upload", s);
    gpumm_kernel_options options{};
    options.source = source;
    auto twice = manager->open_kernel(options);
    if (!twice) return failed("kernel", twice.status());
    const int n = 4;
    if (auto s = twice->launch(0, {gpumm::argument(n), gpumm::argument(*numbers)}); !s) return failed("launch", s);

    auto before = numbers->info();
    if (auto s = numbers->resize(6); !s) return failed("resize", s);
    auto after = numbers->info();
    auto readback = numbers->readback(2);
    if (!readback) return failed("readback", readback.status());
    auto ticket = readback->capture(1);
    if (!ticket) return failed("capture", ticket.status());
    auto frame = readback->wait(*ticket);
    if (!frame) return failed("wait", frame.status());

    gpumm::buffer copy = *numbers; // a reference more
    auto wrong = manager->find("nobody");
    bool right = numbers_are_right(*frame) && before && after && copy.get() == numbers->get() && !wrong &&
                 wrong.status().code() == GPUMM_NOT_FOUND;
    if (auto s = copy.close(); !s) return failed("close", s);
    std::puts(right ? "6 numbers, twice what they were" : "the numbers are wrong");
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
