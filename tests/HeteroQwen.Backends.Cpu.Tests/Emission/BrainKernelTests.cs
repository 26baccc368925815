using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Tiers;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

public sealed class BrainKernelTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(32, true)]
    [InlineData(33, false)]
    [InlineData(96, false)]
    [InlineData(500, false)]
    [InlineData(512, true)]
    public void Kernels_give_the_bits_of_pairs_added_in_order_for_all_rows_and_masks(int length, bool extreme)
    {
        bool here = CpuFeatures.Here is { NoEmission: null, Avx512: true, Bf16: true };
        new PairKernelCheck((a, rows) => BrainKernel.Emit(a, length, rows), BrainKernel.MostRows, (x, row, n) => x.ExpectedDot(row, n), 0)
            .Run(length, extreme, allMasksEvery: 4, here);
    }
}
