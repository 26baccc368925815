using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Panels;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>
/// What a thread needs before its first use of tiles. From then on each signal puts 11.5 KB on its stack for signals, of which the
/// runtime's own holds too little beside its handler: a null reference on that thread would end the process. So the thread gets a
/// larger one; then one product of known result shows that its tiles work.
/// </summary>
internal static unsafe class TileThread
{
    public const int StackBytes = 128 << 10;

    private const int TestLength = 64;

    [ThreadStatic]
    private static bool t_ready;

    /// <summary>The thread's stack for signals as the runtime made it, and ours, null where it has none.</summary>
    [ThreadStatic]
    private static LibC.SignalStack t_before;

    [ThreadStatic]
    private static void* t_stack;

    private static nuint MappedBytes => (nuint)(StackBytes + Environment.SystemPageSize);

    /// <summary>Makes the calling thread ready, once.</summary>
    /// <exception cref="InvalidOperationException">The system refuses the stack, or the tiles give a wrong result.</exception>
    public static void Prepare()
    {
        if (!t_ready)
        {
            GrowSignalStack();
            Test();
            t_ready = true;
        }
    }

    /// <summary>
    /// Gives the thread back its own stack for signals: the last thing that one of ours does with tiles, since the runtime frees the stack
    /// of a thread that ends only if it is the one that it made. A caller's thread, whose end nobody tells us, keeps the larger one.
    /// </summary>
    public static void Release()
    {
        if (t_stack != null)
        {
            LibC.SignalStack before = t_before;
            _ = LibC.AlternateStack(&before, null);
            _ = LibC.Unmap(t_stack, MappedBytes);
            t_stack = null;
            t_ready = false;
        }
    }

    /// <summary>Gives the thread a stack for signals of <see cref="StackBytes"/> above a guard page.</summary>
    internal static void GrowSignalStack()
    {
        if (t_stack != null)
        {
            return;
        }

        const int Flags = LibC.MapPrivate | LibC.MapAnonymous | LibC.MapStack;
        byte* start = (byte*)LibC.Map(null, MappedBytes, LibC.ProtectRead | LibC.ProtectWrite, Flags, -1, 0);
        if (start == LibC.MapFailed)
        {
            throw Refused();
        }

        LibC.SignalStack grown = new() { Start = start + Environment.SystemPageSize, Size = StackBytes };
        LibC.SignalStack before;
        if (LibC.Protect(start, (nuint)Environment.SystemPageSize, LibC.ProtectNone) != 0 || LibC.AlternateStack(&grown, &before) != 0)
        {
            InvalidOperationException refused = Refused();
            _ = LibC.Unmap(start, MappedBytes);
            throw refused;
        }

        t_before = before;
        t_stack = start;

        static InvalidOperationException Refused() =>
            new($"no stack for signals beside tiles ({Marshal.GetLastPInvokeErrorMessage()})");
    }

    /// <summary>A product of small integers, exact in BF16, in all tiles: (row + 1) (column + 1) summed over k.</summary>
    private static void Test()
    {
        const int Rows = TileKernel.MostRows;
        const int Columns = 2 * PanelLayout.Columns;
        const int Panel = TestLength * PanelLayout.Columns * sizeof(ushort);
        int row = (int)ActivationRows.RowBytes(ActivationForm.BF16, TestLength);
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)((Rows * row) + (2 * Panel) + (2 * TileKernel.SpillBytes)), 64);
        try
        {
            ProductCall call = new() { X = memory, Codes0 = memory + (Rows * row), YStride = Columns * sizeof(float), Mask = uint.MaxValue };
            call.Codes1 = call.Codes0 + Panel;
            call.Spill = call.Codes1 + Panel;
            call.Y = (float*)(call.Spill + TileKernel.SpillBytes);
            for (int i = 0; i < Rows * row / 2; i++)
            {
                ((ushort*)call.X)[i] = Brain((i / (row / 2)) + 1);
            }

            for (int i = 0; i < Panel; i++)
            {
                ((ushort*)call.Codes0)[i] = Brain((i / (Panel / 2) * PanelLayout.Columns) + (i / 2 % PanelLayout.Columns) + 1);
            }

            Run(&call);
            for (int i = 0; i < Rows * Columns; i++)
            {
                if (call.Y[i] != TestLength * ((i / Columns) + 1) * ((i % Columns) + 1))
                {
                    throw new InvalidOperationException("the tiles give wrong results");
                }
            }
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }

        static ushort Brain(int value) => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
    }

    private static void Run(ProductCall* call)
    {
        byte[] code = MachineCode.Assemble(a => TileKernel.Emit(a, TestLength, TileKernel.MostRows));
        using ExecutableMemory memory = ExecutableMemory.Create([code], out string? refusal) ?? throw new InvalidOperationException(refusal);
        ((delegate* unmanaged<ProductCall*, void>)memory.Function(0))(call);
    }
}
