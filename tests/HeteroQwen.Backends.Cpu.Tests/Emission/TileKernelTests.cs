using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Tiers;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

public sealed class TileKernelTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(32, true)]
    [InlineData(96, false)]
    [InlineData(250, true)]
    public void Kernels_give_the_bits_of_blocks_added_in_order_for_all_rows_and_masks(int length, bool extreme)
    {
        bool here = CpuTiers.Here.Contains(CpuTier.Amx);
        if (here)
        {
            TileThread.Prepare();
        }

        new PairKernelCheck(
            (a, rows) => TileKernel.Emit(a, length, rows), TileKernel.MostRows, (x, row, n) => x.ExpectedTiles(row, n), TileKernel.SpillBytes)
            .Run(length, extreme, allMasksEvery: 15, here);
    }
}
