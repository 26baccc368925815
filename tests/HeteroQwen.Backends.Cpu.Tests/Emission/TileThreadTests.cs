using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Tiers;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

public sealed unsafe class TileThreadTests
{
    [Fact]
    public void A_thread_made_ready_for_tiles_has_a_large_stack_for_signals_and_still_catches_a_null_reference()
    {
        if (CpuFeatures.Here.NoEmission is not null)
        {
            Assert.DoesNotContain(CpuTier.Amx, CpuTiers.Here);
            return;
        }

        nuint size = 0;
        Exception? caught = null;
        Thread thread = new(() =>
        {
            Ready();
            LibC.SignalStack stack;
            _ = LibC.AlternateStack(null, &stack);
            size = stack.Size;
            caught = Record.Exception(() => Length(null!));
        });
        thread.Start();
        thread.Join();
        Assert.True(size >= TileThread.StackBytes);
        Assert.IsType<NullReferenceException>(caught);
    }

    [Fact]
    public void Threads_made_ready_for_tiles_and_released_leave_no_mapping_behind()
    {
        if (CpuFeatures.Here.NoEmission is not null)
        {
            Assert.DoesNotContain(CpuTier.Amx, CpuTiers.Here);
            return;
        }

        const int Threads = 200;
        int before = Mappings();
        for (int i = 0; i < Threads; i++)
        {
            Thread thread = new(() =>
            {
                Ready();
                TileThread.Release();
            });
            thread.Start();
            thread.Join();
        }

        Assert.True(Mappings() - before < Threads, $"{Mappings() - before} mappings more");
    }

    private static void Ready()
    {
        if (CpuTiers.Here.Contains(CpuTier.Amx))
        {
            TileThread.Prepare();
        }
        else
        {
            TileThread.GrowSignalStack();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Length(string text) => text.Length;

    private static int Mappings() => File.ReadLines("/proc/self/maps").Count();
}
