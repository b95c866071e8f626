// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoffs} from "../../src/IHandoffs.sol";
import {IHopShares} from "../../src/IHopShares.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {SampleRun} from "../disputes/SampleRun.sol";
import {Trees} from "../disputes/Trees.sol";
import {HandoffsFixture} from "./HandoffsFixture.sol";

/// @notice Gas of bonds, blame and pay, compared with snapshots/. Runs with --isolate, so that every call is
/// a transaction of its own.
contract HandoffsGasTest is HandoffsFixture {
    function snap(string memory name) private {
        vm.snapshotGasLastCall("Handoffs", name);
    }

    function test_gas_bond() external {
        depositAs(DEVICE, 1 ether);
        snap("Handoffs.deposit, first");
        depositAs(DEVICE, 1 ether);
        snap("Handoffs.deposit");
        vm.warp(block.timestamp + 31 days);
        vm.prank(DEVICE);
        handoffs.withdraw(run, CLAIMANT);
        snap("Handoffs.withdraw");
    }

    function test_gas_blame() external {
        SampleRun.Execution memory right = honestExecution();
        SampleRun.Execution memory said = faultyExecution(1, SampleRun.CLIP);
        depositAs(DEVICE, 1 ether);
        (, uint256 game) = loseClaim(said, right);
        uint256 claim = refute(said, right, 1, 0);
        IHandoffs.Handoff memory h = handoffOf(said, 1, 0);
        IHandoffs.Signature memory signature = sign(DEVICE_KEY, h);
        IHandoffs.Hop memory hop = hopOf(said.steps[1], 0);
        handoffs.convict(DEVICE, h, signature, terms, hop, claim);
        snap("Handoffs.convict, a hop of three slots");
        IHandoffs.Loss memory loss = lossOf(game, said.steps[1], 0, 1);
        handoffs.blame(DEVICE, h, terms, loss);
        snap("Handoffs.blame, two inputs");
    }

    function test_gas_contradict() external {
        IHandoffs.Handoff memory one = handoffOf(honestExecution(), 1, 1);
        IHandoffs.Handoff memory two = handoffOf(faultyExecution(1, SampleRun.NEXT), 1, 1);
        IHandoffs.Signature[2] memory both = [sign(DEVICE_KEY, one), sign(DEVICE_KEY, two)];
        handoffs.contradict(DEVICE, one, both[0], two, both[1]);
        snap("Handoffs.contradict");
    }

    /// @dev A record of 4,096 hops, of which the device collects 16 of one step.
    function test_gas_collect() external {
        uint32 hops = 1365;
        uint256 pot = shares.fund{value: 1 ether}(terms, CLAIMANT, hops, uint64(block.timestamp + 30 days));
        snap("HopShares.fund");
        SampleRun.Execution memory right = honestExecution();
        bytes32[] memory leaves = new bytes32[](3 * 1365);
        IHopShares.Entry[] memory entries = new IHopShares.Entry[](16);
        IHandoffs.Handoff memory like = handoffOf(right, 0, 0);
        for (uint32 hop; hop < 16; ++hop) {
            IHandoffs.Handoff memory h =
                IHandoffs.Handoff(run, 0, hop, like.version, like.inputs, like.outputs);
            (entries[hop].handoff, entries[hop].signature) = (h, sign(DEVICE_KEY, h));
            leaves[hop] = Merkle.leaf(abi.encodePacked(DEVICE, digestOf(h)));
        }
        for (uint256 i; i < 16; ++i) {
            entries[i].proof = Trees.proof(leaves, i);
        }
        uint256 claim = claimRoot(right.root);
        bytes32 root = Trees.root(leaves);
        vm.prank(CLAIMANT);
        shares.record(pot, claim, root);
        snap("HopShares.record");
        vm.warp(block.timestamp + 2 hours);
        disputes.settle(claim);
        shares.collect(pot, DEVICE, entries);
        snap("HopShares.collect, 16 hops of 4,095");
    }
}
