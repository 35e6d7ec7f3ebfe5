/* Built in each way that a program may be for having its calls told; never run. */
int main(void) { return 0; }
