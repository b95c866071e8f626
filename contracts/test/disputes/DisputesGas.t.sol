// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {DisputesFixture} from "./DisputesFixture.sol";
import {SampleRun} from "./SampleRun.sol";
import {Trees} from "./Trees.sol";

/// @notice Gas of each move in its worst case: full leaves, sixteen nodes, a checkpoint of 96 tensors in a
/// trace of 1,000 slots. JudgeGas.t.sol measures the judge. Runs with --isolate, so that every call is a
/// transaction of its own.
contract DisputesGasTest is DisputesFixture {
    /// MOVE_BOND pays for this much gas. A judgement and the composition of a checkpoint count as twenty
    /// moves.
    uint256 private constant MOVE_GAS = 500_000;

    /// @dev Compares the gas of the last call with its snapshot, and the whole transaction with a limit. The
    /// transaction has `size` bytes of calldata, all counted as non-zero, at the prices of EIP-7623.
    function measure(string memory name, uint256 size, uint256 limit) private {
        uint256 execution = vm.snapshotGasLastCall("Disputes", name);
        uint256 whole = 21_000 + 16 * size + execution;
        if (whole < 21_000 + 40 * size) whole = 21_000 + 40 * size;
        assertLe(whole, limit, name);
    }

    function nodesOf(uint256 count) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = keccak256(abi.encode("leaf", i));
        }
    }

    function test_gas_claimAndChallenge() external {
        uint256 id = claimRoot(honestExecution().root);
        measure("claim", 228, MOVE_GAS);
        uint256 game = challengeAs(id, CHALLENGER);
        measure("challenge", 228, MOVE_GAS);
        uint256 other = challengeAs(id, OTHER_CHALLENGER);
        vm.warp(block.timestamp + 3 * BUDGET);
        disputes.timeout(game);
        measure("timeout", 36, MOVE_GAS);
        disputes.release(other);
        measure("release", 36, MOVE_GAS);
        vm.prank(CHALLENGER);
        disputes.withdraw();
        measure("withdraw", 4, MOVE_GAS);
        id = claimRoot(honestExecution().root);
        vm.warp(block.timestamp + WINDOW + 1);
        disputes.settle(id);
        measure("settle", 36, MOVE_GAS);
    }

    function test_gas_descent() external {
        bytes32[] memory leaves = nodesOf(256);
        terms.steps = 256;
        uint256 game = challengeAs(claimRoot(Trees.root(leaves)), CHALLENGER);
        bytes32[] memory nodes = Trees.frontier(leaves, 0, 256, 4);
        assertEq(nodes.length, 16, "nodes");
        assertTrue(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "revealed");
        measure("reveal", 612, MOVE_GAS);
        assertTrue(_send(CHALLENGER, abi.encodeCall(IDisputes.pick, (game, 15, nodes))), "picked");
        measure("pick", 644, MOVE_GAS);
    }

    function test_gas_levels() external {
        play(SampleRun.Fault(1, SampleRun.SUM, 5, 0x00400000), "");
        play(SampleRun.Fault(1, SampleRun.NORM, 0, 0x00400000), "");
        play(SampleRun.Fault(1, SampleRun.W, 0, 1), "openSlot, state");
        play(SampleRun.Fault(1, SampleRun.X, 0, 1), "openSlot, data");
        play(SampleRun.Fault(1, SampleRun.T, 0, 1), "openSlot, fixed");
    }

    /// @dev An honest claim against a challenger that has computed one place wrongly.
    function play(SampleRun.Fault memory fault, string memory slotName) private {
        SampleRun.Execution memory honest = honestExecution();
        SampleRun.Execution memory challengerRun = SampleRun.execute(fault);
        uint256 game = challengeAs(claimRoot(honest.root), CHALLENGER);
        while (!isOver(game)) {
            IDisputes.Phase phase = disputes.gameOf(game).phase;
            assertTrue(playMove(game, honest, challengerRun, 0), "a move");
            if (phase == IDisputes.Phase.Step) measure("openStep", 1028, MOVE_GAS);
            if (phase == IDisputes.Phase.Slot) {
                measure(bytes(slotName).length == 0 ? "openSlot, output" : slotName, 1956, MOVE_GAS);
            }
            if (phase == IDisputes.Phase.Leaf) measure("openLeaf, 4 KiB", 4196, MOVE_GAS);
            if (phase == IDisputes.Phase.Element) measure("pickElement, 4 KiB", 5500, MOVE_GAS);
            if (phase == IDisputes.Phase.Fold) measure("postFold, 17 accumulators", 1956, MOVE_GAS);
            if (phase == IDisputes.Phase.Chunk) measure("pickChunk, 17 accumulators", 740, MOVE_GAS);
        }
    }

    /// @dev A checkpoint of 96 tensors and its metadata, composed from a trace of 1,000 slots.
    function test_gas_compose() external {
        uint256 count = 97;
        uint256 slots = 1000;
        bytes32[] memory roots = nodesOf(slots);
        bytes32[] memory program = nodesOf(slots);
        IDisputes.Slot memory last;
        last.kind = IDisputes.Kind.Compose;
        last.inputs = new uint32[](count);
        last.names = new bytes[](count - 1);
        bytes32[] memory checkpoint = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            last.inputs[i] = uint32(900 + i);
            checkpoint[i] = roots[900 + i];
            if (i == count - 1) continue;
            last.names[i] =
                bytes.concat("model.layers.12.mlp.gate_proj.weight", hex"00", "F32", hex"0240000000ac000000");
            checkpoint[i] = sha256(bytes.concat(hex"00", last.names[i], roots[900 + i]));
        }
        roots[slots - 1] = Trees.root(checkpoint);
        program[slots - 1] = sha256(bytes.concat(hex"00", abi.encode(last)));
        bytes32[] memory leaves = new bytes32[](slots);
        for (uint256 i; i < slots; ++i) {
            leaves[i] = sha256(bytes.concat(hex"00", roots[i]));
        }
        terms.steps = 1;
        terms.slots = uint32(slots);
        terms.program = Trees.root(program);
        uint256 game = challengeAs(claimRoot(leaves[slots - 1]), CHALLENGER);
        _descendToLastSlot(game, leaves, roots[slots - 1]);
        _compose(game, last, program, roots, leaves);
    }

    /// @dev Opens the only step and descends its trace to the last slot.
    function _descendToLastSlot(uint256 game, bytes32[] memory leaves, bytes32 afterwards) private {
        bytes32 trace = Trees.root(leaves);
        bytes32[] memory proof = Trees.proof(leaves, leaves.length - 1);
        bytes32[] memory none;
        bytes memory move =
            abi.encodeCall(IDisputes.openStep, (game, terms, afterwards, terms.initial, none, trace, proof));
        assertTrue(_send(CLAIMANT, move), "opened");
        IDisputes.Game memory g = disputes.gameOf(game);
        while (g.phase == IDisputes.Phase.Slots) {
            bytes32[] memory nodes = Trees.frontier(leaves, g.first, g.size, 4);
            assertTrue(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "revealed");
            assertTrue(
                _send(CHALLENGER, abi.encodeCall(IDisputes.pick, (game, nodes.length - 1, nodes))), "picked"
            );
            g = disputes.gameOf(game);
        }
    }

    function _compose(
        uint256 game,
        IDisputes.Slot memory last,
        bytes32[] memory program,
        bytes32[] memory roots,
        bytes32[] memory leaves
    ) private {
        IDisputes.Input[] memory inputs = new IDisputes.Input[](last.inputs.length);
        for (uint256 i; i < inputs.length; ++i) {
            inputs[i] = IDisputes.Input(roots[last.inputs[i]], Trees.proof(leaves, last.inputs[i]));
        }
        bytes32 tensor = roots[roots.length - 1];
        bytes32[] memory proof = Trees.proof(program, program.length - 1);
        bytes memory move = abi.encodeCall(IDisputes.openSlot, (game, terms, last, proof, tensor, inputs));
        assertTrue(_send(CLAIMANT, move), "composed");
        measure("openSlot, compose of 96 tensors", move.length, 20 * MOVE_GAS);
        assertEq(disputes.credit(CLAIMANT), disputes.challengeBond(terms), "the claimant wins");
    }
}
