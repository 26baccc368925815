using HeteroQwen.Backends.Cpu.Panels;

namespace HeteroQwen.Backends.Cpu.Tests.Panels;

/// <summary>Where packed matrices lie.</summary>
public sealed unsafe class PackedPagesTests
{
    private const int Small = 3 << 20;

    [Fact]
    public void Take_small_matrices_lie_side_by_side_without_touching_and_each_line_begins_anew()
    {
        PackedPages pages = new();
        List<(nint Data, PackedMemory Memory)> taken = [];
        for (int i = 0; i < 40; i++)
        {
            byte* data = pages.Take(Small + i, out PackedMemory memory);
            new Span<byte>(data, Small + i).Fill((byte)i);
            taken.Add(((nint)data, memory));
        }

        Assert.Equal(4, taken.Select(t => t.Memory).Distinct().Count());
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(0, taken[i].Data % CpuBuffer.Alignment);
            Assert.False(new ReadOnlySpan<byte>((void*)taken[i].Data, Small + i).ContainsAnyExcept((byte)i));
        }

        taken.ForEach(t => pages.Give(t.Memory));
        Assert.All(taken, t => Assert.True(t.Memory.Data == null));
    }

    [Fact]
    public void Give_a_stretch_is_freed_with_its_last_matrix_and_not_used_after_that()
    {
        PackedPages pages = new();
        pages.Take(Small, out PackedMemory first);
        pages.Take(Small, out PackedMemory second);
        Assert.Same(first, second);
        pages.Give(first);
        Assert.True(second.Data != null);
        pages.Give(second);
        Assert.True(second.Data == null);
        byte* data = pages.Take(Small, out PackedMemory third);
        new Span<byte>(data, Small).Fill(1);
        Assert.NotSame(second, third);
        pages.Give(third);
    }

    [Fact]
    public void Take_a_large_matrix_has_memory_of_its_own()
    {
        PackedPages pages = new();
        pages.Take(Small, out PackedMemory small);
        byte* data = pages.Take((32L << 20) + 5, out PackedMemory large);
        new Span<byte>(data, (32 << 20) + 5).Fill(1);
        Assert.NotSame(small, large);
        pages.Give(large);
        Assert.True(large.Data == null && small.Data != null);
        pages.Give(small);
    }
}
