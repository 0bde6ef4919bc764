// Answers one crop of a sign: the whole model is one ONNX graph, a picture in, the answer out.
//
//   raresign export RUN --out signs.onnx
//   g++ -std=c++17 answer.cpp -I ONNXRUNTIME/include -L ONNXRUNTIME/lib -lonnxruntime -o answer
//   ./answer signs.onnx crop.ppm
//
// A binary PPM needs no library to read; with another format decode to RGB, 8 bits, row by row.
#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

int main(int, char** arguments) {
    std::ifstream file(arguments[2], std::ios::binary);
    std::string kind;
    int64_t width, height, largest;
    file >> kind >> width >> height >> largest;
    file.get();  // the line ends here, the pixels begin
    std::vector<uint8_t> pixels(height * width * 3);
    file.read(reinterpret_cast<char*>(pixels.data()), pixels.size());
    if (kind != "P6" || largest != 255 || !file) return std::cerr << "no whole PPM\n", 2;

    Ort::Env env;
    Ort::Session model(env, arguments[1], Ort::SessionOptions{});
    auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const int64_t shape[] = {height, width, 3};
    auto picture = Ort::Value::CreateTensor<uint8_t>(memory, pixels.data(), pixels.size(), shape, 3);
    const char *in[] = {"picture"}, *out[] = {"code", "name", "level", "probability"};
    auto said = model.Run(Ort::RunOptions{}, in, &picture, 1, out, 4);
    for (int k = 0; k < 3; k++) std::cout << said[k].GetStringTensorElement(0) << '\t';
    std::cout << *said[3].GetTensorData<float>() << '\n';
}
