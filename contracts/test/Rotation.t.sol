// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {Signing} from "./Signing.sol";

/// @notice An owner changes the key of a device: what the old one earned stays the owner's, and it earns nothing more.
contract RotationTest is Signing {
    uint256 private constant OWNER = 0xA11CE;

    function test_rotation_keepsTheRecordAndEndsTheOldKey() public {
        vm.warp(1_800_000_000);
        IIdentity identity = deployIdentity();
        IParticipation book = deployParticipation(identity);
        address old = bindDevice(identity, OWNER, 0xD000);
        vm.prank(old);
        book.attest(0, "root", "rollouts");

        address fresh = bindDevice(identity, OWNER, 0xD001);
        vm.prank(vm.addr(OWNER));
        identity.revoke(old);

        vm.warp(1_800_000_020);
        vm.prank(fresh);
        book.attest(1, "root", "rollouts");
        vm.prank(old);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NoAuthority)
        );
        book.attest(1, "root", "rollouts");
        eq(book.recordOfOwner(vm.addr(OWNER)).attestations, 2, "both count for the owner");
        eq(identity.devicesOf(vm.addr(OWNER)).length, 2, "both are the owner's for ever");
        eq(identity.ownerOf(fresh), vm.addr(OWNER), "the new one acts");
        eq(identity.ownerOf(old), address(0), "the old one does not");
    }
}
