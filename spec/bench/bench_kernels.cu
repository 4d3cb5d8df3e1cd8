// SPDX-License-Identifier: MIT
// One step of a simulation: x says who it is, y counts the steps, z takes `turns` multiplications and
// additions. With few turns it is memory that counts, with many it is arithmetic.
extern "C" __global__ void step(int n, float3 *nodes, int turns)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float3 node = nodes[i];
    for (int turn = 0; turn < turns; turn++) node.z = node.z * 0.999f + 0.001f;
    node.x = (float)i;
    node.y += 1.0f;
    nodes[i] = node;
}
