// A small library whose symbols are looked up in tests; stripped when linked.
namespace shape {
int square(int x) { return x * x; }
}  // namespace shape
extern "C" {
int _PyRuntime[4] = {1, 2, 3, 4};
int other_data[4] = {1, 2, 3, 4};
}
